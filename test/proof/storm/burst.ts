/** More at once than a page of Stripe's list of events tells. */
import { clearFaults, setFault } from '../../support/world.ts';
import { CREATE, type Storm } from './weather.ts';

/** A busy second of which no webhook arrives: Stripe's list alone tells of it, and more than a page. */
export const burst = async (storm: Storm): Promise<void> => {
  const { world, stripe, service, count, customer } = storm;
  await clearFaults(world);
  await setFault(world, { kind: 'webhook_drop' });
  const held = await Promise.all(
    Array.from({ length: BURST }, () =>
      service.post('/v1/payments', {
        ...{ customer, amount: 700, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
        capture_method: 'manual',
      }),
    ),
  );
  const rows = await service.query<{ intent: string | null }>('select intent from payments where id = any($1)', [
    held.map(({ body }) => String(body['id']).slice(4)),
  ]);
  // In the dashboard: captured at once or in two parts, and given back.
  await Promise.all(
    rows.map(async ({ intent }, nth) => {
      const path = `${CREATE}/${intent ?? ''}`;
      if (nth % 2 === 0) await stripe.post(`${path}/capture`, { amount_to_capture: '200', final_capture: 'false' });
      await stripe.post(`${path}/capture`);
      await stripe.post('/v1/refunds', { payment_intent: intent ?? '', amount: '100' });
    }),
  );
  await clearFaults(world);
  count(`events lost of ${BURST} payments at once`);
};
/** Each makes some seven events. */
const BURST = 20;
