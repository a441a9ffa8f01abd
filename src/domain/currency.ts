/** Currencies, by their ISO 4217 codes in lower case, and the number of decimals of each. */
declare const checked: unique symbol;
export type Currency = string & { readonly [checked]: true };

/** Those that Stripe charges cards in; 2 decimals unless they stand in one of the two lists below. */
const CODES = new Set(
  `aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
  cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd
  jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad
  ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl
  thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw`.split(/\s+/),
);

/** https://docs.stripe.com/currencies#zero-decimal; isk and ugx are not among them: Stripe still counts two decimals. */
const ZERO_DECIMALS = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
/** https://docs.stripe.com/currencies#three-decimal */
const THREE_DECIMALS = new Set('bhd jod kwd omr tnd'.split(' '));
/** Counted in hundredths that do not exist: Stripe charges whole units alone. */
const WHOLE_UNITS = new Set(['isk', 'ugx']);

/** The currency in a text, if it is one: lower case, and known. */
export const parseCurrency = (text: string): Currency | undefined => (CODES.has(text) ? (text as Currency) : undefined);

/** How many decimals an amount in minor units has. */
export const exponentOf = (currency: Currency): 0 | 2 | 3 =>
  ZERO_DECIMALS.has(currency) ? 0 : THREE_DECIMALS.has(currency) ? 3 : 2;

/** What a card can be charged in is a multiple of this, in minor units: tens of three decimals, or whole units. */
export const chargeStepMinor = (currency: Currency): bigint =>
  THREE_DECIMALS.has(currency) ? 10n : WHOLE_UNITS.has(currency) ? 100n : 1n;

/** How many digits the largest charge has where it is not eight: where a unit is worth little. */
const DIGITS: Readonly<Record<string, number>> = { cop: 10, huf: 10, idr: 12, inr: 9, jpy: 10 };
const DIGITS_USUAL = 8;

/**
 * The largest charge, in minor units: nines, as many as Stripe takes digits.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const chargeMaxMinor = (currency: Currency): bigint => 10n ** BigInt(DIGITS[currency] ?? DIGITS_USUAL) - 1n;

/** Whether a card can be charged that amount, or sent it back. */
export const isChargeable = (amountMinor: bigint, currency: Currency): boolean =>
  amountMinor % chargeStepMinor(currency) === 0n && amountMinor <= chargeMaxMinor(currency);

/** `1250` usd → `12.50`. */
export const toDecimal = (amountMinor: bigint, currency: Currency): string => {
  const exponent = exponentOf(currency);
  const sign = amountMinor < 0n ? '-' : '';
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  return exponent === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-exponent)}`;
};
