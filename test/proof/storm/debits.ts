/** Debits: what their banks make of them is known late, and told out of order. */
import { setFault } from '../../support/world.ts';
import { ask, CREATE, strike, type Storm } from './weather.ts';

/** Bank accounts: debited, and what the bank makes of it then. */
const DEBITED = ['success_de', 'insufficientFunds_de', 'disputed_de', 'sandbox_failedLate_de'] as const;

/** A debit, of which Stripe's balance has a line before anybody knows whether it is paid; some are returned after that. */
export const debit = async (storm: Storm): Promise<void> => {
  const { random, service, world, count } = storm;
  await strike(storm, CREATE);
  const account = random.pick(DEBITED);
  const { status, body } = await ask(storm, `debit ${account}`, '/v1/payments', {
    ...{ customer: storm.customer, amount: random.integer(50, 5_000), currency: 'eur', confirm: true },
    payment_method: `pm_${account}`,
  });
  // What became of it may be read late, and out of order.
  if (random.chance(0.5)) await setFault(world, { kind: 'webhook_drop' });
  for (const seconds of [6, 6]) await service.clock.advance(world.sandboxUrl, seconds);
  if (status === 201 && account === 'insufficientFunds_de' && random.chance(0.5))
    await ask(storm, 'pay by card instead', `/v1/payments/${String(body['id'])}/confirm`, {
      payment_method: 'pm_card_visa',
    });
  count(`debit: ${account}`);
};
