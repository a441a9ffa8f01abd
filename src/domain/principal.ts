/** Who asks. */
import type { MerchantId } from './ids.ts';

/**
 *   secret       the merchant's servers: everything of the merchant
 *   publishable  browsers: what a payment's client secret unlocks, and items
 *   finance      reads everything of money, moves none
 *   oncall       the operations pages
 */
export const ROLES = ['secret', 'publishable', 'finance', 'oncall'] as const;
export type Role = (typeof ROLES)[number];

export interface Principal {
  readonly merchant: MerchantId;
  readonly role: Role;
  /** Both in one text, by which its requests are counted. */
  readonly caller: string;
}

export const principalOf = (merchant: MerchantId, role: Role): Principal => ({
  merchant,
  role,
  caller: `${merchant} ${role}`,
});
