/**
 * The checkout: where a payment stands in the page that pays it, as one value of a closed union, and what the page may
 * offer now.
 *
 *   const quittance = createClient({ key: 'pk_…', baseUrl: 'https://pay.example' });
 *   const checkout = createCheckout({ quittance, clientSecret, returnUrl: location.href });
 *   checkout.subscribe((state) => draw(state));
 *   button.onclick = () => checkout.pay({ payment_method });
 *
 * It pays once. The service charges a payment once whatever it is sent; the store sees to it that nobody is asked to pay
 * again before it is known that he has not: an attempt has one idempotency key, kept in the session before it is sent and
 * forgotten when its answer is final, and of several tabs one sends at a time.
 */
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Client, Payment } from './api.ts';
import { attempted, createKept, type Attempt, type Keeper } from './kept.ts';

export type { Keeper } from './kept.ts';
export { tell, type Told } from './words.ts';

/** What pays: one of the two that Stripe.js makes. */
export type Card = ({ readonly payment_method: string } | { readonly confirmation_token: string }) & {
  /** Keeps it: it may then be charged while its owner is away. */
  readonly save_payment_method?: boolean;
};

/** What the customer is asked for by his bank, and how. */
export type Challenge =
  | { readonly kind: 'redirect'; readonly url: string }
  /** For `handleNextAction` of Stripe.js. */
  | { readonly kind: 'stripe_js'; readonly clientSecret: string };

/** Why it was not paid. */
export interface Refusal {
  readonly code: string;
  readonly declineCode?: string | undefined;
  /** What a person may be told. */
  readonly message: string;
}

/** What the page may offer: a card to pay with, or the way to the bank. */
export type Offer = 'pay' | 'continue';

interface Standing<Name extends string, Offers extends Offer> {
  readonly name: Name;
  readonly offers: readonly Offers[];
  /** As it was last seen; undefined before it was. */
  readonly payment: Payment | undefined;
}

export type CheckoutState =
  /** It is being read. */
  | Standing<'loading', never>
  /** Nothing is charged, and nothing is under way. */
  | Standing<'idle', 'pay'>
  | Standing<'confirming', never>
  /** The bank waits for its customer; instead of that he may pay with another card. */
  | (Standing<'needs_action', Offer> & { readonly challenge: Challenge })
  /** The bank has not decided, which may take minutes; or another tab is paying. */
  | Standing<'processing', never>
  /** Paid; or the card holds the money for the merchant, which to its owner is the same. */
  | Standing<'succeeded', never>
  | (Standing<'declined', 'pay'> & { readonly refusal: Refusal })
  /** Nobody knows yet whether the card was charged. It is being found out: to pay again is not offered. */
  | Standing<'unknown', never>
  /** Nothing was charged, for a reason that is not the card's: the service is down, or busy. */
  | (Standing<'failed', 'pay'> & { readonly refusal: Refusal })
  /** It can't be paid any more, or not by this page: it was called off, or its secret is wrong. */
  | (Standing<'ended', never> & { readonly refusal: Refusal | undefined });

/** What was asked for is not offered now: a second click, or one that came too late. */
export interface NotOffered {
  readonly code: 'not_offered';
  readonly state: CheckoutState;
}

export interface Checkout {
  readonly state: () => CheckoutState;
  /** Told of each state from now on, and of the present one at once. Answers how to end it. */
  readonly subscribe: (listener: (state: CheckoutState) => void) => () => void;
  /** Reads how it stands: when the page is opened, comes back from a bank, or was left and is seen again. */
  readonly load: () => ResultAsync<CheckoutState, never>;
  /** Pays, and follows it to its end: or to a page of the bank's, from which the customer comes back. */
  readonly pay: (card: Card) => ResultAsync<CheckoutState, NotOffered>;
  /** Asks the customer for what his bank wants, again. */
  readonly continue: () => ResultAsync<CheckoutState, NotOffered>;
}

/** Of several tabs one does `work` at a time; the others are answered undefined at once. */
export type OneAtATime = <T>(name: string, work: () => Promise<T>) => Promise<T | undefined>;

export interface CheckoutSettings {
  /** With a publishable key. */
  readonly quittance: Pick<Client, 'confirmPayment' | 'readPayment'>;
  readonly clientSecret: string;
  /** Where a bank's page sends the customer back to; undefined where he is asked in the page alone. */
  readonly returnUrl?: string;
  /** Goes to a bank's page; the browser does, where none is given. */
  readonly redirect?: (url: string) => void;
  /** Asks in the page, and resolves when that is over, however it went: `(secret) => stripe.handleNextAction(…)`. */
  readonly handleNextAction?: (clientSecret: string) => Promise<unknown>;
  readonly keeper?: Keeper;
  readonly oneAtATime?: OneAtATime;
  /** Ends whatever is under way: the page is given up. */
  readonly signal?: AbortSignal;
}

/** What a browser brings, as far as it is used; elsewhere nothing of it is there. */
interface Browser {
  readonly sessionStorage?: Keeper;
  readonly navigator?: {
    readonly locks?: {
      readonly request: <T>(
        name: string,
        options: { ifAvailable: true },
        work: (lock: unknown) => Promise<T | undefined>,
      ) => Promise<T | undefined>;
    };
  };
  readonly document?: Target & { readonly visibilityState: string };
  readonly location?: { readonly assign: (url: string) => void };
  readonly addEventListener?: Target['addEventListener'];
}
interface Target {
  readonly addEventListener: (type: string, listener: () => void, options: { signal?: AbortSignal }) => void;
}
// The types of a browser are not those of Node, where this is checked too.
const browser = globalThis as unknown as Browser;

/** Between two looks at what is not decided: half a second, half as much again each time, and 10 s in the end. */
const PAUSE_MS = { first: 500, max: 10_000 };
/** How often what the service refused for a moment is sent again before a person is told. */
const TRIES_MAX = 4;
/** And the longest that he is kept waiting for that. */
const WAIT_MAX_MS = 15_000;

const UNPAID: readonly Payment['status'][] = ['requires_payment_method', 'requires_confirmation'];

export const createCheckout = (settings: CheckoutSettings): Checkout => {
  const { quittance, clientSecret, returnUrl, handleNextAction, signal } = settings;
  const id = clientSecret.split('_secret_')[0] ?? '';
  const name = `quittance ${id}`;
  const options = { retries: 0, ...(signal ? { signal } : {}) };
  const kept = createKept(name, settings.keeper ?? attempted(() => browser.sessionStorage));
  const oneAtATime = settings.oneAtATime ?? withLock;
  const listeners = new Set<(state: CheckoutState) => void>();

  let payment: Payment | undefined;
  let state: CheckoutState = { name: 'loading', offers: [], payment };
  let work: Promise<CheckoutState> | undefined;
  /** Counts what was begun: what came before it says nothing any more. */
  let turn = 0;

  const is = (next: CheckoutState): CheckoutState => {
    state = next;
    for (const listener of listeners) listener(state);
    return state;
  };
  /** Whether what was begun then is over, since the page was given up or something else was begun. */
  const isPast = (mine: number): boolean => mine !== turn || (signal?.aborted ?? false);

  /** As the payment says. */
  const stands = (seen: Payment): CheckoutState => {
    payment = seen;
    // What was kept may not have arrived yet: until then it has no answer.
    const isSilent = seen.status === 'processing' || (UNPAID.includes(seen.status) && seen.last_error === null);
    if (!isSilent) kept.forget();
    switch (seen.status) {
      case 'succeeded':
      case 'requires_capture':
        return is({ name: 'succeeded', offers: [], payment });
      case 'processing':
        return is({ name: 'processing', offers: [], payment });
      case 'canceled':
        return is({ name: 'ended', offers: [], payment, refusal: undefined });
      case 'requires_action': {
        const challenge = challengeOf(seen);
        if (!challenge) return is({ name: 'processing', offers: [], payment });
        const mayContinue = challenge.kind === 'redirect' || handleNextAction !== undefined;
        return is({ name: 'needs_action', offers: mayContinue ? ['continue', 'pay'] : ['pay'], payment, challenge });
      }
      case 'requires_payment_method':
      case 'requires_confirmation': {
        const { last_error: last } = seen;
        if (last === null) return is({ name: 'idle', offers: ['pay'], payment });
        const refusal = { code: last.code, declineCode: last.decline_code ?? undefined, message: last.message };
        return is({ name: 'declined', offers: ['pay'], payment, refusal });
      }
    }
  };

  /** Reads it until it says something else than that it is under way. */
  const follow = async (): Promise<CheckoutState> => {
    const mine = turn;
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.max, pauseMs * 1.5)) {
      const read = await quittance.readPayment({ id, client_secret: clientSecret }, options);
      if (isPast(mine)) return state;
      if (read.isOk()) {
        if (stands(read.value).name !== 'processing') return state;
      } else if ('retry' in read.error && read.error.retry === 'never')
        return is({ name: 'ended', offers: [], payment, refusal: refusalOf(read.error) });
      await pause(pauseMs, signal);
      if (isPast(mine)) return state;
    }
  };

  const confirm = async ({ key, card }: Attempt): Promise<CheckoutState> => {
    // Whether a try may have charged the card though no answer came: then only an answer about it tells that it has not.
    let isInDoubt = false;
    const mine = turn;
    for (let tries = 1, pauseMs = PAUSE_MS.first; ; tries++, pauseMs = Math.min(PAUSE_MS.max, pauseMs * 1.5)) {
      const answer = await quittance.confirmPayment(
        {
          ...{ ...card, id, client_secret: clientSecret },
          ...(returnUrl === undefined ? {} : { return_url: returnUrl }),
          ...(handleNextAction ? { next_action: 'stripe_js' as const } : {}),
        },
        { ...options, idempotencyKey: key },
      );
      if (isPast(mine)) return state;
      if (answer.isOk()) return meet(stands(answer.value));

      const { error } = answer;
      const retry = 'retry' in error ? error.retry : 'same_key';
      if (retry === 'new_key') {
        kept.forget();
        return is({ name: 'declined', offers: ['pay'], payment, refusal: refusalOf(error) });
      }
      if (retry === 'never') return refused(error);
      const saidMs = 'retryAfterS' in error ? (error.retryAfterS ?? 0) * 1000 : 0;
      // A key in use is that of an earlier try of this very request.
      isInDoubt ||= error.outcome === 'unknown' || error.code === 'idempotency_key_in_use';
      if (isInDoubt) is({ name: 'unknown', offers: [], payment });
      else if (tries >= TRIES_MAX || saidMs > WAIT_MAX_MS)
        return is({ name: 'failed', offers: ['pay'], payment, refusal: refusalOf(error) });
      await pause(Math.max(pauseMs, Math.min(saidMs, PAUSE_MS.max)), signal);
      if (isPast(mine)) return state;
    }
  };

  /** The request was wrong, or the payment has moved on, in another tab: what it says now is what counts. */
  const refused = async (error: Refusal): Promise<CheckoutState> => {
    kept.forget();
    const seen = await follow();
    const isOpen = seen.name === 'idle' || seen.name === 'declined';
    return isOpen && error.code !== 'payment_not_confirmable'
      ? is({ name: 'failed', offers: ['pay'], payment, refusal: refusalOf(error) })
      : seen;
  };

  /** Sends the customer to his bank where it wants him, and waits where it has not decided. */
  const meet = async (seen: CheckoutState): Promise<CheckoutState> => {
    // What comes after a wait is offered, and not done: nobody has pressed anything now.
    if (seen.name === 'processing') return follow();
    if (seen.name !== 'needs_action') return seen;
    const { challenge } = seen;
    if (challenge.kind === 'redirect') {
      (settings.redirect ?? ((url) => browser.location?.assign(url)))(challenge.url);
      return seen;
    }
    if (!handleNextAction) return seen;
    const mine = turn;
    try {
      await handleNextAction(challenge.clientSecret);
    } catch {
      // However it went, and if it could not be asked at all: the payment tells.
    }
    return isPast(mine) ? state : follow();
  };

  const begin = (next: () => Promise<CheckoutState>): Promise<CheckoutState> => {
    turn++;
    const mine = next().finally(() => {
      if (work === mine) work = undefined;
    });
    work = mine;
    return mine;
  };

  /** Where another tab pays, this one waits until it is done: before that the payment may look as if nobody had begun. */
  const alone = async (next: () => Promise<CheckoutState>): Promise<CheckoutState> => {
    const mine = turn;
    const done = await oneAtATime(name, next);
    if (done) return done;
    is({ name: 'processing', offers: [], payment });
    do {
      await pause(PAUSE_MS.first, signal);
      if (isPast(mine)) return state;
    } while (!(await oneAtATime(name, () => Promise.resolve(true))));
    return follow();
  };

  const offered = (offer: Offer, next: () => Promise<CheckoutState>): ResultAsync<CheckoutState, NotOffered> => {
    const run = async (): Promise<Result<CheckoutState, NotOffered>> =>
      state.offers.some((one) => one === offer) ? ok(await begin(next)) : err({ code: 'not_offered', state });
    return new ResultAsync(run());
  };

  const read = (): Promise<CheckoutState> => work ?? begin(follow);

  // Left and seen again: a bank's page, another tab, or the browser's memory of a page that was left.
  const seenAgain = (): void => {
    const isOpen = state.name === 'idle' || state.name === 'declined' || state.name === 'needs_action';
    if (isOpen && !isHidden()) void read();
  };
  const bound = signal ? { signal } : {};
  browser.document?.addEventListener('visibilitychange', seenAgain, bound);
  browser.addEventListener?.('pageshow', seenAgain, bound);

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      listener(state);
      return () => listeners.delete(listener);
    },
    load: () => ResultAsync.fromSafePromise(read()),
    pay: (card) =>
      offered('pay', () => {
        // Before anything is waited for: the second of two clicks finds it so.
        is({ name: 'confirming', offers: [], payment });
        return alone(() => confirm(kept.attempt(card)));
      }),
    continue: () =>
      offered('continue', () => {
        const seen = state;
        return alone(() => meet(seen));
      }),
  };
};

const challengeOf = ({ next_action: action }: Payment): Challenge | undefined => {
  if (action?.type === 'redirect_to_url') return { kind: 'redirect', url: action.redirect_to_url.url };
  const secret = action?.stripe_client_secret;
  return secret === undefined ? undefined : { kind: 'stripe_js', clientSecret: secret };
};

const refusalOf = ({ code, declineCode, message }: Refusal): Refusal => ({ code, declineCode, message });

const isHidden = (): boolean => browser.document?.visibilityState === 'hidden';

/** In a tab that nobody sees it lasts until somebody does. Ends early where the page is given up. */
const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((done) => {
    const ends = new AbortController();
    let isOver = false;
    const wake = (): void => {
      if (!signal?.aborted && (!isOver || isHidden())) return;
      clearTimeout(timer);
      ends.abort();
      done();
    };
    const timer = setTimeout(() => {
      isOver = true;
      wake();
    }, ms);
    signal?.addEventListener('abort', wake, { signal: ends.signal });
    browser.document?.addEventListener('visibilitychange', wake, { signal: ends.signal });
  });

const withLock: OneAtATime = (name, work) => {
  const locks = browser.navigator?.locks;
  return locks
    ? locks.request(name, { ifAvailable: true }, (lock) => (lock === null ? Promise.resolve(undefined) : work()))
    : work();
};
