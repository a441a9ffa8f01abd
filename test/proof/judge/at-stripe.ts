/** What Stripe says: every PaymentIntent with all that hangs on it, and every payout, as the sandbox tells of them. */

export interface Intent {
  readonly id: string;
  readonly status: string;
  readonly created: number;
  readonly currency: string;
  readonly amount_received: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly latest_charge: string | null;
  readonly charges: readonly ChargeThere[];
  readonly refunds: readonly RefundThere[];
  readonly disputes: readonly DisputeThere[];
  readonly balance: readonly Line[];
}

interface ChargeThere {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly amount_refunded: number;
  /** The balance transaction by which a debit was taken back that had failed. */
  readonly failure: string | null;
}

export interface RefundThere {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  /** Its balance transaction: of money that was held, and let go, there is none. */
  readonly moved: string | null;
  /** That of its return, where the bank has sent it back. */
  readonly back: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface DisputeThere {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  /** What was withdrawn, below zero, and what was given back. */
  readonly lines: readonly { readonly id: string; readonly amount: number; readonly currency: string }[];
}

/** A balance transaction. */
interface Line {
  readonly id: string;
  /** The charge, refund or dispute that it is of. */
  readonly source: string;
  readonly gross: number;
  readonly fee: number;
  readonly currency: string;
  readonly payout: string | null;
}

export interface Payout {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  /** One that was made by hand is of no transactions that Stripe could name. */
  readonly automatic: boolean;
}

/** The tag by which an object is of a payment here. */
export const TAG = 'quittance_payment';

export const readIntents = async (sandboxUrl: string): Promise<Intent[]> => {
  const response = await fetch(`${sandboxUrl}/_sandbox/export`);
  if (!response.ok) throw new Error(`the sandbox's export answered ${response.status}`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Intent);
};

const PAGE = 100;

export const readPayouts = async (sandboxUrl: string): Promise<Payout[]> => {
  const payouts: Payout[] = [];
  for (let after = ''; ;) {
    const response = await fetch(`${sandboxUrl}/v1/payouts?limit=${PAGE}${after}`, {
      headers: { Authorization: 'Bearer sk_test_sandbox' },
    });
    if (!response.ok) throw new Error(`the sandbox's payouts answered ${response.status}`);
    const { data } = (await response.json()) as { data: Payout[] };
    payouts.push(...data);
    if (data.length < PAGE) return payouts;
    after = `&starting_after=${data.at(-1)?.id ?? ''}`;
  }
};

/** What of a refund has left for good: nothing of one that the bank sent back. */
export const leftBy = ({ amount, moved, back }: RefundThere): bigint =>
  moved !== null && back === null ? BigInt(amount) : 0n;

/** What the bank returned of a payment that was paid: its charge has failed after all. */
export const returnedOf = ({ amount_received: received, latest_charge: latest, charges }: Intent): bigint => {
  const paid = charges.find(({ id }) => id === latest);
  return received > 0 && (paid?.failure ?? null) !== null ? BigInt(paid?.amount ?? 0) : 0n;
};

/** Whether a line is of a charge that nobody knows to be paid: it is told, and nothing is posted of it yet. */
export const isPending = ({ charges }: Intent, { source }: { readonly source: string }): boolean =>
  charges.some(({ id, status }) => id === source && status === 'pending');

/** What a dispute took and gave back, in the currency of its charge: there Stripe takes and gives back the whole. */
export const takenBy = ({ lines, amount }: DisputeThere, currency: string): { taken: bigint; given: bigint } => {
  const sum = (sign: number): bigint =>
    lines
      .filter((line) => Math.sign(line.amount) === sign)
      .reduce((total, line) => total + BigInt(line.currency === currency ? Math.abs(line.amount) : amount), 0n);
  return { taken: sum(-1), given: sum(1) };
};

/** What the bank keeps of a dispute that it has decided. */
export const keptBy = (dispute: DisputeThere, currency: string): bigint => {
  if (dispute.status !== 'lost') return 0n;
  const { taken, given } = takenBy(dispute, currency);
  return taken > given ? taken - given : 0n;
};
