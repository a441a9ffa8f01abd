/**
 * What a merchant says of a payment, and is shown as it was said. Another such field is
 *
 * - a migration, with a column that may be null, as `0027_payment_reference.ts` has it (its rules: `db/README.md`);
 * - here: `PaymentDetails`, `PERSONAL` or `IMPERSONAL`, and `detailsView`;
 * - in `http/payment-details.ts`: `given`, `changed` and `shown`;
 * - in `storage/tables/payments.ts`: `PAYMENTS`;
 * - `npm run db:schema` and `npm run docs:contract -- --record URL`, of a new demo (`npm start`), for the examples.
 *
 * The compiler asks for each; which of `PERSONAL` and `IMPERSONAL` is true, nobody but you knows.
 * Its name is the same as a column, in JSON and here, so that two words are joined by `_` here too. One that may not be
 * changed is left out of `PaymentUpdate` (`update.ts`), and so of `changed`; its column is `once`. The console shows it, and
 * Stripe is told it, only where a line says so (`console/pages/payments.ts`, `stripe/cards.ts`).
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
export type GivenDetails = Pick<PaymentDetails, First> & {
  readonly [F in Exclude<keyof PaymentDetails, First>]?: NonNullable<PaymentDetails[F]>;
};
type First = 'description' | 'metadata';

/** Nothing said: of what may say who somebody is, and of what may not. */
const PERSONAL = { description: null, metadata: {} } satisfies Partial<PaymentDetails>;
const IMPERSONAL = { reference: null } satisfies Partial<PaymentDetails>;

/** Each detail is one or the other, or this does not compile. */
export const NOTHING_SAID: PaymentDetails = { ...PERSONAL, ...IMPERSONAL };

/** What becomes of a payment's where its customer is forgotten: in the table, in stored replies and in events. */
export const FORGOTTEN: Partial<PaymentDetails> = PERSONAL;

/** Shown as it was said. */
export type DetailsView = PaymentDetails;

export const detailsView = ({ description, metadata, reference }: PaymentDetails): DetailsView => ({
  description,
  metadata,
  reference,
});
