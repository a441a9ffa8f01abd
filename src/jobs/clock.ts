/** Keeps to the database's clock, and tells of one that goes wrong. */
import type { ResultAsync } from 'neverthrow';
import type { Clocks } from '../clocks.ts';
import type { Context } from '../context.ts';
import type { PaymentError } from '../error.ts';
import type { DatabaseClock } from '../storage/clock.ts';
import type { Round } from './runner.ts';

export const keepTime = (
  clock: Pick<DatabaseClock, 'sync'>,
  clocks: Pick<Clocks, 'check'>,
): ((ctx: Pick<Context, 'log'>) => ResultAsync<Round, PaymentError>) => {
  let told = 'ok';
  const tell = ({ log }: Pick<Context, 'log'>): void => {
    const { state, detail } = clocks.check();
    if (state !== told) log[state === 'ok' ? 'info' : 'error']({ clocks: detail }, 'clocks that money depends on');
    told = state;
  };
  // Where the database does not say, its last answer is carried on, and Stripe's clock may differ all the same.
  return (ctx) =>
    clock
      .sync()
      .map((): Round => 'done')
      .andTee(() => tell(ctx))
      .orTee(() => tell(ctx));
};
