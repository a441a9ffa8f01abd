/**
 * What a merchant says of a payment, and is shown as it was said. Another such field is a migration, its lines here, in
 * `http/payment-details.ts` and in `storage/tables/payments.ts`, then `npm run db:schema` and `npm run docs:contract`; one
 * that may say who somebody is, a line in `erasures.ts` too, and one that may not be changed, in `update.ts`. It has one
 * word: its name is the same in JSON.
 */
export interface PaymentDetails {
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The merchant's own name for what it is for, such as an order: any number of payments may have the same. */
  readonly reference: string | null;
}

/**
 * As a request gives them. What came after the first two is absent where it is not given: what the release before has kept
 * a hash of is understood as it was then.
 */
export interface GivenDetails extends Pick<PaymentDetails, 'description' | 'metadata'> {
  readonly reference?: string;
}

export const NOTHING_SAID: PaymentDetails = { description: null, metadata: {}, reference: null };

/** Shown as it was said. */
export type DetailsView = PaymentDetails;

export const detailsView = ({ description, metadata, reference }: PaymentDetails): DetailsView => ({
  description,
  metadata,
  reference,
});
