/** What a merchant says of a payment: as it is given, as it is changed, and as it is shown. */
import type { z } from 'zod';
import type { DetailsView, GivenDetails, PaymentDetails } from '../domain/payment-details.ts';
import type { PaymentUpdate } from '../domain/update.ts';
import * as fields from './reply-fields.ts';
import * as s from './schemas.ts';

export const given: { readonly [F in keyof PaymentDetails]: z.ZodType<PaymentDetails[F]> } = {
  description: s.optional(s.text(1000)),
  metadata: s.metadata.default({}),
  reference: s
    .optional(s.reference)
    .describe(
      'Your own name for what it is for, such as an order. Several may have it: it keeps nobody from being charged twice.',
    ),
};

/** What came after the first two is left out where it is not given: see `GivenDetails`. */
export const toDetails = ({ description, metadata, ...later }: PaymentDetails): GivenDetails => ({
  description,
  metadata,
  ...Object.fromEntries(Object.entries(later).filter(([, value]) => value !== null)),
});

export const changed: {
  readonly [F in keyof PaymentDetails & keyof PaymentUpdate]: z.ZodExactOptional<z.ZodType<Required<PaymentUpdate>[F]>>;
} = {
  description: s.text(1000).nullable().exactOptional(),
  metadata: s.metadataUpdate.exactOptional(),
  reference: s.reference.nullable().exactOptional(),
};

export const shown: { readonly [F in keyof DetailsView]: z.ZodType<DetailsView[F]> } = {
  description: fields.words,
  metadata: fields.metadata,
  reference: fields.words.describe("The merchant's own name for what it is for, such as an order."),
};
