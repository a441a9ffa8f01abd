/**
 * What the networks want of the disputes that they treat in a way of their own: Visa's compelling evidence and the fees of
 * compliance cases. https://docs.stripe.com/disputes/api/visa-ce3, https://docs.stripe.com/disputes/api/visa-compliance
 */
import type { Stripe } from 'stripe';

type Evidence = Stripe.Dispute.Evidence.EnhancedEvidence;
type Compelling = Stripe.Dispute.Evidence.EnhancedEvidence.VisaCompellingEvidence3;
type Eligibility = Stripe.Dispute.EvidenceDetails.EnhancedEligibility;
type RequiredAction = Stripe.Dispute.EvidenceDetails.EnhancedEligibility.VisaCompellingEvidence3.RequiredAction;
export type EligibilityType = Stripe.Dispute.EnhancedEligibilityType;

/** What tells that two payments were made by the same customer. */
export type TransactionText =
  | 'customer_account_id'
  | 'customer_device_fingerprint'
  | 'customer_device_id'
  | 'customer_email_address'
  | 'customer_purchase_ip'
  | 'product_description';

export const TRANSACTION_TEXTS: readonly TransactionText[] = [
  ...(['customer_account_id', 'customer_device_fingerprint', 'customer_device_id'] as const),
  ...(['customer_email_address', 'customer_purchase_ip', 'product_description'] as const),
];

type Address = Stripe.Address | null | undefined;
type GivenTransaction = { readonly [Name in TransactionText]?: string | null | undefined } & {
  readonly shipping_address?: Address;
};

/** What a request says; null takes away. */
export interface EnhancedParams {
  readonly mastercard_compliance?: { readonly fee_acknowledged?: boolean | undefined } | undefined;
  readonly visa_compliance?: { readonly fee_acknowledged?: boolean | undefined } | undefined;
  readonly visa_compelling_evidence_3?:
    | {
        readonly disputed_transaction?:
          | (GivenTransaction & { readonly merchandise_or_services?: 'merchandise' | 'services' | undefined })
          | undefined;
        readonly prior_undisputed_transactions?:
          readonly (GivenTransaction & { readonly charge: string })[] | null | undefined;
      }
    | undefined;
}

const NOTHING_TOLD = {
  ...{ customer_account_id: null, customer_device_fingerprint: null, customer_device_id: null },
  ...{ customer_email_address: null, customer_purchase_ip: null, product_description: null, shipping_address: null },
};

const said = <T extends object>(given: T): { [Name in keyof T]: Exclude<T[Name], undefined> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never;

/** What was said before, and what is said now. */
export const mergeEnhanced = (held: Evidence, given: EnhancedParams | null | undefined): Evidence => {
  if (given === undefined) return held;
  if (given === null) return {};
  const { mastercard_compliance: mastercard, visa_compliance: visa, visa_compelling_evidence_3: compelling } = given;
  const was = held.visa_compelling_evidence_3;
  const { disputed_transaction: disputed, prior_undisputed_transactions: prior } = compelling ?? {};
  return {
    ...held,
    ...(mastercard === undefined
      ? {}
      : { mastercard_compliance: { fee_acknowledged: mastercard.fee_acknowledged === true } }),
    ...(visa === undefined ? {} : { visa_compliance: { fee_acknowledged: visa.fee_acknowledged === true } }),
    ...(compelling === undefined
      ? {}
      : {
          visa_compelling_evidence_3: {
            disputed_transaction:
              disputed === undefined
                ? (was?.disputed_transaction ?? null)
                : {
                    ...{ ...NOTHING_TOLD, merchandise_or_services: null },
                    ...was?.disputed_transaction,
                    ...said(disputed),
                  },
            prior_undisputed_transactions:
              prior === undefined
                ? (was?.prior_undisputed_transactions ?? [])
                : (prior ?? []).map((one) => ({ ...NOTHING_TOLD, ...said(one) })),
          },
        }),
  };
};

/** Where a dispute of these types stands by its evidence; once that is sent, what is missing can't be made good. */
export const eligibilityOf = (types: readonly EligibilityType[], evidence: Evidence, isSent: boolean): Eligibility => {
  const acknowledged = (given: { fee_acknowledged: boolean } | undefined) => ({
    status:
      given?.fee_acknowledged === true ? ('fee_acknowledged' as const) : ('requires_fee_acknowledgement' as const),
  });
  const missing = missingOf(evidence.visa_compelling_evidence_3);
  return {
    ...(types.includes('mastercard_compliance')
      ? { mastercard_compliance: acknowledged(evidence.mastercard_compliance) }
      : {}),
    ...(types.includes('visa_compliance') ? { visa_compliance: acknowledged(evidence.visa_compliance) } : {}),
    ...(types.includes('visa_compelling_evidence_3')
      ? {
          visa_compelling_evidence_3: {
            required_actions: missing,
            status: missing.length === 0 ? 'qualified' : isSent ? 'not_qualified' : 'requires_action',
          },
        }
      : {}),
  };
};

/** The fee that must be acknowledged before evidence is sent, if there is one that is not. */
export const feeInTheWay = (types: readonly EligibilityType[], evidence: Evidence): string | undefined =>
  (['mastercard_compliance', 'visa_compliance'] as const).find(
    (type) => types.includes(type) && evidence[type]?.fee_acknowledged !== true,
  );

/** Two earlier payments that were not disputed. */
const PRIOR_MIN = 2;

const missingOf = (compelling: Compelling | undefined): RequiredAction[] => {
  const disputed = compelling?.disputed_transaction ?? null;
  const prior = compelling?.prior_undisputed_transactions ?? [];
  const isShared = (name: keyof typeof NOTHING_TOLD): boolean => {
    const value = disputed?.[name] ?? null;
    const same = (one: (typeof prior)[number]): boolean => JSON.stringify(one[name]) === JSON.stringify(value);
    return value !== null && prior.length >= PRIOR_MIN && prior.every(same);
  };
  // A device's fingerprint and its id are one element, however many of both are told.
  const device = isShared('customer_device_fingerprint') || isShared('customer_device_id');
  const main = [isShared('customer_purchase_ip'), device].filter(Boolean).length;
  const secondary =
    isShared('shipping_address') || isShared('customer_email_address') || isShared('customer_account_id');
  return [
    ...(main === 2 || (main === 1 && secondary) ? [] : (['missing_customer_identifiers'] as const)),
    ...((disputed?.product_description ?? null) === null
      ? (['missing_disputed_transaction_description'] as const)
      : []),
    ...((disputed?.merchandise_or_services ?? null) === null ? (['missing_merchandise_or_services'] as const) : []),
    ...(prior.length < PRIOR_MIN || prior.some(({ product_description: told }) => told === null)
      ? (['missing_prior_undisputed_transaction_description'] as const)
      : []),
    ...(prior.length < PRIOR_MIN ? (['missing_prior_undisputed_transactions'] as const) : []),
  ];
};
