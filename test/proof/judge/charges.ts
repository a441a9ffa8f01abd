/** Every PaymentIntent against the payment that it is of, and every payment against its PaymentIntent. */
import { TAG, type Intent } from './at-stripe.ts';
import type { PaymentRow, SecondRow } from './books.ts';
import type { Rule, Violation } from './rules.ts';

interface Charges {
  readonly payments: readonly PaymentRow[];
  readonly intents: readonly Intent[];
  readonly seconds: readonly SecondRow[];
  /** What the books tell a person of, by Stripe's id. */
  readonly contradicted: ReadonlySet<string>;
  /** PaymentIntents that were made behind the service's back: what it has not made, it need not have prevented. */
  readonly elsewhere: ReadonlySet<string>;
}

/** What a payment cannot have by itself: its PaymentIntent has it too, or it is wrong. */
const SHARED: readonly string[] = ['processing', 'requires_capture', 'canceled'];

export const compareCharges = ({ payments, intents, seconds, contradicted, elsewhere }: Charges): Violation[] => {
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  const byTag = Map.groupBy(intents, (intent) => intent.metadata[TAG] ?? '');
  const byIntent = new Map(intents.map((intent) => [intent.id, intent]));
  const known = new Set(seconds.map(({ id }) => id));
  const violations: Violation[] = [];
  const report = (rule: Rule, subject: string, detail: string): void => void violations.push({ rule, subject, detail });

  for (const intent of intents) {
    const tag = intent.metadata[TAG];
    const payment = tag === undefined ? undefined : byId.get(tag);
    if (payment?.intent === intent.id) {
      compareOwn(payment, intent, report);
      continue;
    }
    if (intent.amount_received === 0 && intent.status !== 'requires_capture') continue;
    // Where the other was taken for the payment's own, this is the second.
    if (elsewhere.has(intent.id) || elsewhere.has(payment?.intent ?? '')) {
      if (tag !== undefined && !known.has(intent.id) && !contradicted.has(intent.id))
        report('second_charges_differ', tag, `${intent.id} has taken or holds money, and nothing here tells of it`);
    } else if (!payment)
      report('charge_without_payment', intent.id, `it was charged for ${tag ?? 'nobody'}, which is not here`);
    else
      report(
        'charge_without_payment',
        intent.id,
        `it was charged for ${payment.id}, which is ${payment.status} and has ${payment.intent ?? 'no PaymentIntent'}`,
      );
  }
  for (const [tag, all] of byTag) {
    const of = all.filter(({ id }) => !elsewhere.has(id));
    if (tag === '') continue;
    const charges = of.flatMap((intent) => intent.charges).filter(({ status }) => status === 'succeeded');
    if (charges.length > 1) report('charged_twice', tag, `its charges are ${charges.map(({ id }) => id).join(', ')}`);
    if (of.length > 1) report('charged_twice', tag, `its PaymentIntents are ${of.map(({ id }) => id).join(', ')}`);
  }
  for (const { id, status, intent } of payments) {
    const own = intent === null ? undefined : byIntent.get(intent);
    if (status === 'succeeded' && own?.status !== 'succeeded')
      report('payment_without_charge', id, `it names ${intent ?? 'none'}, which is ${own?.status ?? 'not there'}`);
    else if (intent !== null && own?.metadata[TAG] !== id)
      report('intent_differs', id, `it names ${intent}, which is of ${own?.metadata[TAG] ?? 'nobody'}`);
  }
  for (const { id, payment, received } of seconds) {
    const there = byIntent.get(id);
    if (there?.metadata[TAG] !== payment || BigInt(there.amount_received) !== received)
      report('second_charges_differ', payment, `${received} here of ${id}, ${there?.amount_received ?? 'none'} there`);
  }
  return violations;
};

const compareOwn = (
  { id, status, captured, currency, underWay }: PaymentRow,
  intent: Intent,
  report: (rule: Rule, subject: string, detail: string) => void,
): void => {
  if (intent.status === 'succeeded' && status !== 'succeeded')
    report('charge_without_payment', intent.id, `it was charged for ${id}, which is ${status}`);
  else if (captured !== BigInt(intent.amount_received) || currency !== intent.currency)
    report(
      'amounts_differ',
      id,
      `${captured} ${currency} here, ${intent.amount_received} ${intent.currency} in ${intent.id}`,
    );
  else if (
    !underWay &&
    status !== intent.status &&
    status !== 'succeeded' &&
    (SHARED.includes(status) || SHARED.includes(intent.status))
  )
    report('intent_differs', id, `it is ${status}, and ${intent.id} is ${intent.status}`);
};

export const comparePostings = (payments: readonly PaymentRow[]): Violation[] =>
  payments.flatMap(({ id, status, captured, postings, posted, told, isForgotten = false }): Violation[] => {
    const wanted = status === 'succeeded' ? 1 : 0;
    const found: Violation[] = [];
    if (postings !== wanted)
      found.push({ rule: 'posted_once', subject: id, detail: `${status}, posted ${postings} times` });
    if (postings === 1 && posted !== captured)
      found.push({ rule: 'amounts_differ', subject: id, detail: `captured ${captured}, posted ${posted}` });
    if (told !== wanted && !(isForgotten && told === 0))
      found.push({ rule: 'told_once', subject: id, detail: `${status}, told of ${told} times` });
    return found;
  });
