/**
 * Ids, and what they name.
 *
 *   merchant   who sells; everything else belongs to one, and is seen by one
 *   customer   whom a merchant charges; has a wallet in each currency
 *   payment    money that comes in by card: one PaymentIntent at Stripe
 *   attempt    one call to Stripe about a payment: to confirm, capture, cancel or refund it
 *   refund     money that goes back to the card
 *   setup      a card that is kept for later, without a charge: one SetupIntent at Stripe
 *   dispute    money that the cardholder's bank has taken back, for now or for good
 *   account    a balance in one currency: a customer's wallet, or one of the merchant's platform accounts
 *   transfer   an amount moved from one account (debit) to another (credit): one row with both legs
 *   event      what happened, to be told to the merchant
 *   endpoint   where a merchant is told: a URL of the merchant's own
 *   delivery   an event on its way to an endpoint, tried until it arrives
 *
 * An id is a prefix and a UUIDv7 without dashes (`cus_0198f3…`), made by the application: sorted by time, known before
 * the row is written. The database holds the UUID alone.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Currency } from './currency.ts';
import type { Micros } from './time.ts';

declare const prefixOf: unique symbol;
export type Id<Prefix extends string> = `${Prefix}_${string}` & { readonly [prefixOf]: Prefix };

export type MerchantId = Id<'mer'>;
export type CustomerId = Id<'cus'>;
export type PaymentId = Id<'pay'>;
export type AccountId = Id<'acct'>;
export type TransferId = Id<'tr'>;
export type EventId = Id<'evt'>;
export type AttemptId = Id<'att'>;
export type RefundId = Id<'re'>;
export type DisputeId = Id<'dp'>;
export type SetupId = Id<'set'>;
export type EndpointId = Id<'we'>;
export type ContradictionId = Id<'ctr'>;
export type ApiKeyId = Id<'key'>;
/** Items are named by their merchant: `item_demo`. */
export type ItemId = Id<'item'>;

const HEX = /^[0-9a-f]{32}$/;

/** A clock that is set back by less than this does not turn the order round of what one process makes. */
const SET_BACK_MAX = 1_000_000;
/** In µs since 1970, which are whole numbers until the year 2255. */
let latest = 0;

/**
 * A new id, later than those made before it in this process. Lists are sorted by it: what stands in one gives it the time
 * of the database, which all instances share. https://www.rfc-editor.org/rfc/rfc9562#section-6.2, method 3.
 */
export const newId = <P extends string>(prefix: P, at?: Micros): Id<P> => {
  const now = at === undefined ? Date.now() * 1000 : Number(at);
  latest = now > latest || latest - now > SET_BACK_MAX ? now : latest + 1;
  const fraction = Math.floor(((latest % 1000) * 4096) / 1000);
  const random = randomUUID();
  return `${prefix}_${hexMs(latest)}7${fraction.toString(16).padStart(3, '0')}${random.slice(19, 23)}${random.slice(24)}` as Id<P>;
};

/** The least UUID of that time or later. */
export const uuidFrom = (at: Micros): string => `${hexMs(Number(at))}${'0'.repeat(20)}`;

/** The first 48 bits of a UUIDv7, which knows no time before 1970. */
const hexMs = (at: number): string =>
  Math.floor(Math.max(0, at) / 1000)
    .toString(16)
    .padStart(12, '0');

/** The id in a text, if it is one of that kind. */
export const parseId = <P extends string>(prefix: P, text: string): Id<P> | undefined =>
  text.startsWith(`${prefix}_`) && HEX.test(text.slice(prefix.length + 1)) ? (text as Id<P>) : undefined;

/** From the database's UUID, dashed or not. */
export const idOf = <P extends string>(prefix: P, uuid: string): Id<P> =>
  `${prefix}_${uuid.replaceAll('-', '')}` as Id<P>;

/** For the database: the id without its prefix. */
export const uuidOf = (id: Id<string>): string => id.slice(id.indexOf('_') + 1);

/** A merchant's own accounts: `account.ts` says what each holds. */
export const PLATFORM_KINDS = [
  'stripe_clearing',
  'revenue',
  'stripe_fees',
  'disputes',
  'bank',
  'exchange',
  'to_return',
] as const;
export type PlatformKind = (typeof PLATFORM_KINDS)[number];

/** Three bits: which of a merchant's accounts; 0 is left to wallets. */
const KIND_BITS = {
  stripe_clearing: 1,
  revenue: 2,
  stripe_fees: 3,
  disputes: 4,
  bank: 5,
  exchange: 6,
  to_return: 7,
} as const satisfies Record<PlatformKind, number>;

/** Fifteen bits: five for each letter. */
const currencyBits = (currency: Currency): number =>
  [...currency].reduce((bits, letter) => (bits << 5) | (letter.charCodeAt(0) - 97), 0);

/** Another id that follows from an id: the transfer that a refund makes, and the second one, which takes it back. */
export const derivedId = <P extends string>(prefix: P, from: Id<string>, nth = 0): Id<P> =>
  `${prefix}_${xorTail(uuidOf(from), nth)}` as Id<P>;

/**
 * The id of what is made here of something at Stripe, which is named by `of`: whoever learns of it, and however often,
 * makes the same. A UUIDv7 of the time when that was made, so that it lies beside its contemporaries in every index.
 */
export const idAt = <P extends string>(prefix: P, of: string, at: Micros): Id<P> => {
  const hash = createHash('sha256').update(of).digest('hex');
  return `${prefix}_${hexMs(Number(at))}7${hash.slice(0, 3)}8${hash.slice(3, 18)}` as Id<P>;
};

/** The id that follows from a name alone: whoever makes it again makes the same, whenever that is. */
export const idFrom = <P extends string>(prefix: P, of: string): Id<P> =>
  `${prefix}_${createHash('sha256').update(`${prefix} ${of}`).digest('hex').slice(0, 32)}` as Id<P>;

/** The last 20 of a UUIDv7's 74 random bits, xored: the result is a UUIDv7 too, beside its owner's in every index. */
const xorTail = (uuid: string, bits: number): string =>
  uuid.slice(0, -5) + (Number.parseInt(uuid.slice(-5), 16) ^ bits).toString(16).padStart(5, '0');

/**
 * The id of a customer's wallet in a currency. It follows from both, so that a wallet is found, read and locked without
 * asking for its id, and has one before it is first used.
 */
export const walletId = (customer: CustomerId, currency: Currency): AccountId =>
  `acct_${xorTail(uuidOf(customer), currencyBits(currency))}` as AccountId;

/** The customer whose wallet in this currency has this id: `walletId` is its own inverse. */
export const walletOwner = (wallet: AccountId, currency: Currency): CustomerId =>
  `cus_${xorTail(uuidOf(wallet), currencyBits(currency))}` as CustomerId;

/** The id of one of a merchant's platform accounts, which follows from its kind and currency in the same way. */
export const platformAccountId = (merchant: MerchantId, kind: PlatformKind, currency: Currency): AccountId =>
  `acct_${xorTail(uuidOf(merchant), (KIND_BITS[kind] << 15) | currencyBits(currency))}` as AccountId;
