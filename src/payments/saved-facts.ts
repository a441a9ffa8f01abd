/** What Stripe has of payment methods and setups is applied, whoever learned of it: what is believed is what was fetched. */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Effect, Event } from '../domain/change.ts';
import { idAt } from '../domain/ids.ts';
import { setupView } from '../domain/reply.ts';
import type { Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { TaggedSetup } from '../stripe/tags.ts';
import { letGo } from './saved.ts';

type Needs = Pick<Context, 'commit' | 'saved' | 'vault'>;

/** Looks at a payment method, and says in a word what was done. Errors: `provider_unavailable`, `database_unavailable`. */
export const applyMethod = (ctx: Needs, id: string): ResultAsync<string, PaymentError> =>
  ctx.vault.method(id).andThen((found): ResultAsync<string, PaymentError> => {
    const { holder } = found ?? { holder: null };
    if (!found || holder === null)
      return ctx.saved
        .methodAt(id)
        .andThen((of) =>
          of ? letGo(ctx, of.merchant, of.customer, id).map(() => 'method: detached') : okAsync('unknown object'),
        );
    return ctx.saved.holderAt(holder).andThen((of) =>
      of
        ? ctx
            .commit({
              merchant: of.merchant,
              saved: { kind: 'keep', customer: of.customer, found, isDefault: false },
            })
            .map(() => 'method: attached')
        : okAsync('unknown object'),
    );
  });

/** The same of a setup. Errors: as `applyMethod`. */
export const applySetup = (ctx: Needs, of: TaggedSetup, intent: string): ResultAsync<string, PaymentError> =>
  ctx.saved
    .setup(of.merchant, of.setup)
    // Read before Stripe is asked: what is changed meanwhile is later than the answer.
    .andThen((setup) =>
      ctx.vault
        .setup(intent)
        .andThen((found) =>
          found
            ? ctx
                .commit({ merchant: of.merchant, setup: { kind: 'observe', setup, found }, events: setupEvents })
                .map(() => `setup: ${found.status}`)
            : okAsync('unknown object'),
        ),
    )
    .orElse((error) => (error.code === 'setup_not_found' ? okAsync('unknown object') : errAsync(error)));

const TOLD = {
  requires_action: 'setup.requires_action',
  succeeded: 'setup.succeeded',
  requires_payment_method: 'setup.failed',
} as const;

/** What is told of a setup; of one that waits to be confirmed, or for the bank, nothing. */
export const setupEvents = ({ setup }: Effect, now: Micros): Event[] => {
  const type = setup && setup.status in TOLD ? TOLD[setup.status as keyof typeof TOLD] : undefined;
  if (!setup || type === undefined || (type === 'setup.failed' && setup.lastError === null)) return [];
  const { merchant, id } = setup;
  const data = JSON.stringify(setupView(setup, 'finance'));
  return [{ merchant, id: idAt('evt', `${id} ${type}`, now), type, subject: id, data }];
};
