/** What replies are made of. */
import { z } from 'zod';
import type { ErrorView, ListView } from '../domain/views.ts';
import { ERRORS, type ErrorCode } from '../error.ts';

export const id = (prefix: string): z.ZodString => z.string().regex(new RegExp(`^${prefix}_[0-9a-f]{32}$`));
export const minor: z.ZodInt = z.int().min(0).max(999_999_999_999).describe('In minor units: cents of a dollar.');
export const sum: z.ZodString = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .describe('In minor units, as text: a sum may be larger than a number holds exactly.');
export const currency: z.ZodString = z
  .string()
  .regex(/^[a-z]{3}$/)
  .describe('A lower-case ISO 4217 code.');
export const time: z.ZodISODateTime = z.iso.datetime({ offset: false });
export const words: z.ZodNullable<z.ZodString> = z.string().nullable();
export const metadata: z.ZodRecord<z.ZodString, z.ZodString> = z.record(z.string(), z.string());
const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];
export const code: z.ZodType<ErrorCode> = z.enum(CODES);

export const error: z.ZodType<ErrorView> = z.strictObject({
  type: z.enum(['api_error', 'card_error', 'idempotency_error', 'invalid_request_error']),
  code,
  decline_code: z.string().describe("The card issuer's reason, in Stripe's words.").exactOptional(),
  message: z.string().describe('What a person may be told.'),
  param: z.string().nullable().describe('The field at fault.'),
  payment: id('pay').exactOptional(),
  setup: id('set').exactOptional(),
  url: z
    .string()
    .describe(
      'Where the customer does what his bank asks him for: a path, behind the address by which customers reach this service.',
    )
    .exactOptional(),
  outcome: z.enum(['none', 'applied', 'unknown']).describe('What happened to the money.'),
  retry: z.enum(['same_key', 'new_key', 'after_reconcile', 'never']).describe('What to do next.'),
  doc_url: z.string(),
  request_id: z.string(),
});

/** A page of a list of those. */
export const list = <Item>(item: z.ZodType<Item>): z.ZodType<ListView<Item>> =>
  z.strictObject({ object: z.literal('list'), url: z.string(), has_more: z.boolean(), data: z.array(item) });
