/** Our own words: which standard one each is nearest to, and why it isn't that. Heads src/domain/README.md. */

interface Word {
  readonly word: string;
  readonly standard: string;
  readonly why: string;
  /** Where it is made, in src/. */
  readonly file: string;
}

export const GLOSSARY: readonly Word[] = [
  {
    word: 'change',
    standard: 'command, unit of work',
    why: 'A command asks; a change is a value with all that one operation wants written, and may be run again.',
    file: 'domain/change.ts',
  },
  {
    word: 'claim',
    standard: 'idempotency record',
    why: 'It is taken before the work is done, and completed with the reply: who has it, has the right to do the work.',
    file: 'domain/change.ts',
  },
  {
    word: 'decision',
    standard: 'aggregate, business rule',
    why: 'One pure function over locked rows; there is no object that lives longer than its call.',
    file: 'domain/decide.ts',
  },
  {
    word: 'step',
    standard: 'transition',
    why: 'A transition is a line of the table of states; a step is one that is asked for, with what it writes beside it.',
    file: 'domain/step.ts',
  },
  {
    word: 'fact',
    standard: 'domain event',
    why: 'What Stripe has, as it stands there now; an event tells of a moment, may be late, and comes twice.',
    file: 'domain/fact.ts',
  },
  {
    word: 'belief',
    standard: 'assumption',
    why: "What is concluded without Stripe's word: it may end a request, and always gives way to a fact.",
    file: 'domain/fact.ts',
  },
  {
    word: 'contradiction',
    standard: 'reconciliation break',
    why: 'It is found the moment a fact comes that differs from the books, and not by comparing them afterwards.',
    file: 'domain/contradiction.ts',
  },
  {
    word: 'posting',
    standard: 'journal entry',
    why: 'The rule: from which account to which. The entry itself is a transfer, one row with both legs.',
    file: 'domain/postings.ts',
  },
  {
    word: 'return',
    standard: 'late failure, R-transaction',
    why: 'A debit that the bank sends back after it was paid, as SEPA calls it; one that fails before is declined.',
    file: 'domain/returns.ts',
  },
  {
    word: 'hold',
    standard: 'authorization',
    why: 'Of a card it is just that, and so its status is called `requires_capture`; of a wallet it is `pending`.',
    file: 'domain/lifecycle.ts',
  },
  {
    word: 'lease',
    standard: 'lease',
    why: 'The standard word: an attempt is its owner’s until then, and after that any sweeper’s.',
    file: 'storage/leases.ts',
  },
  {
    word: 'fence',
    standard: 'fencing token',
    why: 'The number of the lease; a column has the short name. Who settles under an older one is refused.',
    file: 'storage/claims.ts',
  },
  {
    word: 'lane',
    standard: 'group commit, batcher',
    why: 'It batches reads as well as commits, has one batch under way, no timer, and owners who take turns.',
    file: 'storage/lane.ts',
  },
  {
    word: 'flight',
    standard: 'round trip, pipelining',
    why: 'Statements sent together, without waiting for each answer: one flight may be many statements.',
    file: 'storage/transaction.ts',
  },
  {
    word: 'turn',
    standard: 'fair queueing',
    why: 'What fair queueing gives to one merchant: a place at the connections that read.',
    file: 'storage/turns.ts',
  },
  {
    word: 'horizon',
    standard: 'high-water mark, xmin horizon',
    why: 'A mark by time and not by transaction, since lists are sorted by ids that are made before their commit.',
    file: 'storage/horizon.ts',
  },
  {
    word: 'door',
    standard: 'gateway, front controller',
    why: 'It routes nothing: a request is named, counted and let go there, before Express. Who is let in is `monitor/admission.ts`.',
    file: 'http/door.ts',
  },
  {
    word: 'inbox',
    standard: 'inbox pattern',
    why: 'The standard word: what Stripe tells is stored first, and applied by a job.',
    file: 'storage/inbox.ts',
  },
  {
    word: 'sweeper',
    standard: 'reaper, recovery worker',
    why: 'It ends nothing: it finishes what a dead process left.',
    file: 'payments/recover.ts',
  },
];
