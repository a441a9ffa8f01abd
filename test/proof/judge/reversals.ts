/** Money that goes back: each refund, each dispute and each second charge, there and here, and what was posted of them. */
import { keptBy, leftBy, returnedOf, TAG, takenBy, type Intent, type RefundThere } from './at-stripe.ts';
import type { DisputeRow, PaymentRow, RefundRow } from './books.ts';
import type { Rule, Violation } from './rules.ts';

interface Reversals {
  readonly payments: readonly PaymentRow[];
  readonly intents: readonly Intent[];
  readonly refunds: readonly RefundRow[];
  readonly disputes: readonly DisputeRow[];
  /** What the books do not believe, and tell a person of, by Stripe's id. */
  readonly contradicted: ReadonlySet<string>;
}

export const compareReversals = (of: Reversals): Violation[] => [
  ...compareSums(of),
  ...compareRefunds(of),
  ...compareDisputes(of),
  ...compareReturns(of),
  ...compareAccounts(of),
];

/** Stripe counts a refund from the moment that it knows of it, so one under way may be counted there already. */
const compareSums = ({ payments, intents, refunds: rows }: Reversals): Violation[] => {
  const atStripe = new Map(
    intents.map(({ id, charges }) => [
      id,
      BigInt(
        charges.reduce(
          (sum, { status, failure, amount_refunded: of }) =>
            status === 'succeeded' || failure !== null ? sum + of : sum,
          0,
        ),
      ),
    ]),
  );
  const intentOf = new Map(intents.flatMap(({ id, refunds }) => refunds.map((refund) => [refund.id, id])));
  const byPayment = Map.groupBy(rows, ({ payment }) => payment);
  return payments.flatMap(({ id, intent, status, captured, refunded, refunding, unposted }): Violation[] => {
    // A hold that was let go, in whole or in part, may count as refunded at Stripe, and moved no money.
    const known = atStripe.get(intent ?? '') ?? 0n;
    const there = status === 'canceled' ? 0n : known > captured ? captured : known;
    // Those of a second charge are not of what was captured.
    const refunds = (byPayment.get(id) ?? [])
      .filter((row) => row.status === 'succeeded' && (intentOf.get(row.stripeId ?? '') ?? intent) === intent)
      .reduce((sum, { amount }) => sum + amount, 0n);
    const agree = refunded === refunds && refunded === unposted && there >= refunded && there <= refunded + refunding;
    const detail = `${there} at Stripe; ${refunded} and ${refunding} under way here, by refunds ${refunds}, posted ${unposted}`;
    return agree ? [] : [{ rule: 'refunds_differ', subject: id, detail }];
  });
};

interface OfPayment<There> {
  readonly there: There;
  readonly intent: Intent;
  readonly payment: PaymentRow;
}

/** What Stripe has of payments that are here; what is not believed is not asked after. */
const ofPayments = <There>(
  { payments, intents, contradicted }: Reversals,
  list: (intent: Intent) => readonly There[],
): OfPayment<There>[] => {
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  return intents.flatMap((intent) => {
    const payment = byId.get(intent.metadata[TAG] ?? '');
    const isBelieved = payment?.intent === intent.id || !contradicted.has(intent.id);
    return payment && isBelieved ? list(intent).map((there) => ({ there, intent, payment })) : [];
  });
};

const compareRefunds = (of: Reversals): Violation[] => {
  const here = new Map(of.refunds.map((refund) => [refund.stripeId, refund]));
  const there = new Set(of.intents.flatMap(({ refunds }) => refunds.map(({ id }) => id)));
  const differs = (subject: string, detail: string): Violation => ({ rule: 'refunds_differ', subject, detail });
  return [
    ...ofPayments(of, ({ refunds }) => refunds).flatMap(({ there: refund, payment, intent }): Violation[] => {
      const row = here.get(refund.id);
      if (!row) {
        // Of a second charge no row is needed: what has gone back of it is compared with its account.
        const isOwn = payment.intent === intent.id;
        const isHere = !isOwn || refund.moved === null;
        return isHere ? [] : [differs(payment.id, `${refund.id} of ${refund.amount} is not here`)];
      }
      if (row.payment !== payment.id || row.amount !== BigInt(refund.amount))
        return [differs(refund.id, `${row.amount} of ${row.payment} here, ${refund.amount} of ${payment.id} there`)];
      return isLate(row, refund) || stands(row, refund)
        ? []
        : [differs(refund.id, `it is ${row.status} here, and ${refund.status} there`)];
    }),
    ...of.refunds
      .filter(({ stripeId }) => stripeId !== null && !there.has(stripeId))
      .map(({ stripeId, payment }) => differs(payment, `Stripe has no ${stripeId ?? ''}`)),
  ];
};

/** Under way here: what has become of it may be news that has not come yet. */
const isLate = (row: RefundRow, { moved }: RefundThere): boolean => row.status === 'pending' && moved !== null;

const stands = ({ status }: RefundRow, { status: there, back }: RefundThere): boolean => {
  if (back !== null || there === 'failed' || there === 'canceled') return status === 'failed';
  return status === (there === 'succeeded' ? 'succeeded' : 'pending');
};

/** Without a line of the balance an inquiry has moved nothing, and need not be here. */
const compareDisputes = (of: Reversals): Violation[] => {
  const here = new Map(of.disputes.map((dispute) => [dispute.stripeId, dispute]));
  const there = new Set(of.intents.flatMap(({ disputes }) => disputes.map(({ id }) => id)));
  const differs = (subject: string, detail: string): Violation => ({ rule: 'disputes_differ', subject, detail });
  return [
    ...ofPayments(of, ({ disputes }) => disputes).flatMap(({ there: dispute, payment, intent }): Violation[] => {
      const row = here.get(dispute.id);
      if (!row) return dispute.lines.length === 0 ? [] : [differs(payment.id, `${dispute.id} is not here`)];
      const { taken, given } = takenBy(dispute, intent.currency);
      const kept = keptBy(dispute, intent.currency);
      const told = [payment.id, taken, given, kept].join(' ');
      const known = [row.payment, row.withdrawn, row.reinstated, row.lost].join(' ');
      const status = DECIDED.find((decided) => decided === dispute.status) ?? 'open';
      return told === known && (row.status === status || dispute.lines.length === 0)
        ? []
        : [differs(dispute.id, `${row.status} ${known} here, ${dispute.status} ${told} there`)];
    }),
    ...of.disputes
      .filter(({ stripeId }) => !there.has(stripeId))
      .map(({ stripeId, payment }) => differs(payment, `Stripe has no ${stripeId}`)),
  ];
};
const DECIDED = ['won', 'lost'] as const;

const compareReturns = ({ payments, intents }: Reversals): Violation[] => {
  const there = new Map(intents.map((intent) => [intent.id, returnedOf(intent)]));
  return payments.flatMap(({ id, intent, returned, taken }): Violation[] => {
    const wanted = there.get(intent ?? '') ?? 0n;
    return returned === wanted && taken === wanted
      ? []
      : [{ rule: 'returns_differ', subject: id, detail: `${returned} here, posted ${taken}, ${wanted} at Stripe` }];
  });
};

/**
 * What each payment has left in the wallet, among the disputes and among what is to be returned: by Stripe's word alone,
 * whatever the rules are called by which it was posted.
 */
const compareAccounts = (of: Reversals): Violation[] => {
  const byTag = Map.groupBy(of.intents, (intent) => intent.metadata[TAG] ?? '');
  const pending = new Set(of.refunds.filter(({ status }) => status === 'pending').map(({ stripeId }) => stripeId));
  const sum = (numbers: readonly bigint[]): bigint => numbers.reduce((total, one) => total + one, 0n);
  return of.payments.flatMap((payment): Violation[] => {
    const intents = byTag.get(payment.id) ?? [];
    const left = (intent: Intent): bigint => {
      const { amount_received: received, refunds, disputes, currency } = intent;
      return (
        BigInt(received) -
        returnedOf(intent) -
        sum(refunds.filter(({ id }) => !pending.has(id)).map(leftBy)) -
        sum(disputes.map((dispute) => keptBy(dispute, currency)))
      );
    };
    const believed = intents.filter(({ id }) => id === payment.intent || payment.seconds.includes(id));
    const open = believed.flatMap(({ disputes, currency }) =>
      disputes.map((dispute) => {
        const { taken, given } = takenBy(dispute, currency);
        return given - taken + keptBy(dispute, currency);
      }),
    );
    const wanted: readonly (readonly [Rule, string, bigint, bigint])[] = [
      ['wallet_differs', 'wallet', sum(believed.filter(({ id }) => id === payment.intent).map(left)), payment.inWallet],
      ['disputes_differ', 'disputes', sum(open), payment.inDisputes],
      [
        'second_charges_differ',
        'to_return',
        sum(believed.filter(({ id }) => id !== payment.intent).map(left)),
        payment.toReturn,
      ],
    ];
    return wanted.flatMap(([rule, account, there, here]) =>
      there === here ? [] : [{ rule, subject: payment.id, detail: `${here} of it in ${account}, ${there} by Stripe` }],
    );
  });
};
