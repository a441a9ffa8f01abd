/** What is done while nobody knows what Stripe has, and what nobody tells of: only who looks there finds it. */
import { eventually } from '../../support/stripe.ts';
import { clearFaults, setFault } from '../../support/world.ts';
import { ask, CREATE, type Storm } from './weather.ts';

const AMOUNT = 900;
const CARD = { amount: String(AMOUNT), currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' } as const;
const ALLOWED = { 'allowed_payment_method_types[0]': 'card' } as const;
const PAYMENT_TAG = 'metadata[quittance_payment]';
const MERCHANT_TAG = 'metadata[quittance_merchant]';

const wanted = ({ customer }: Storm, more: object = {}): object => ({
  ...{ customer, amount: AMOUNT, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
  ...more,
});

/** The reply of a first charge is lost; before it is found, somebody copies its tags, and charges too. */
export const copied = async (storm: Storm): Promise<void> => {
  const { world, stripe, service, elsewhere, complaints, count } = storm;
  await clearFaults(world);
  await setFault(world, { kind: 'webhook_drop' });
  await setFault(world, { kind: 'reset_after', path: CREATE, method: 'POST', count: 2 });
  const { data: before } = await stripe.get(`${CREATE}?limit=1`);
  const paying = ask(storm, 'pay, whose tags are copied', '/v1/payments', wanted(storm));
  const { data } = await eventually(
    () => stripe.get(`${CREATE}?limit=1`),
    ({ data: [newest] }) => newest !== undefined && newest.id !== before[0]?.id,
  );
  const tags = data[0]?.metadata ?? {};
  const payment = tags['quittance_payment'] ?? '';
  // The reply of the repeat is lost too: else nothing is unknown.
  await eventually(
    () => stripe.get('/_sandbox/faults'),
    (faults) => faults.data.some(({ struck }) => struck === 2),
  );
  await clearFaults(world);
  const { id } = await stripe.post(CREATE, {
    ...{ ...CARD, ...ALLOWED, [PAYMENT_TAG]: payment, [MERCHANT_TAG]: tags['quittance_merchant'] ?? '' },
  });
  elsewhere.push(id);
  await paying;
  const [row] = await service.query<{ intent: string | null }>('select intent from payments where id = $1', [
    payment.slice(4),
  ]);
  if (row?.intent === id) complaints.push(`${payment} takes ${id} for its own, which somebody else made`);
  count('tags copied while a first charge was unknown');
};

/** Stripe fails at a capture, and makes it good an hour later: it is done all the same, and its caller waits for minutes. */
export const failedForGood = async (storm: Storm): Promise<void> => {
  const { world, service, complaints, count } = storm;
  await clearFaults(world);
  const { status, body: held } = await service.post('/v1/payments', wanted(storm, { capture_method: 'manual' }));
  if (status !== 201) return;
  const id = String(held['id']);
  // As long as the sandbox can be asked for: nobody waits so long.
  const ms = 3_600_000;
  await setFault(world, { kind: 'error_reconciled', path: `${CREATE}/*/capture`, method: 'POST', count: 1, ms });
  await ask(storm, 'capture that Stripe failed at', `/v1/payments/${id}/capture`, {});
  await eventually(
    () => service.query<{ status: string }>('select status from payments where id = $1', [id.slice(4)]),
    ([row]) => row?.status === 'succeeded',
  ).catch(() => complaints.push(`${id} is not captured, minutes after Stripe failed at it`));
  count('capture failed for good');
};

/** A hold of a payment that is not here, of which neither a webhook nor the list of events tells. */
export const orphan = async (storm: Storm): Promise<void> => {
  const { world, stripe, service, elsewhere, complaints, count, leads } = storm;
  // Who was a day ahead has read of the time that is now, and reads it again a day later.
  if (leads.length > 0) return;
  await clearFaults(world);
  await setFault(world, { kind: 'webhook_drop' });
  await setFault(world, { kind: 'unauthorized', path: '/v1/events', method: 'GET' });
  const nobodys = `pay_${crypto.randomUUID().replaceAll('-', '')}`;
  const [merchant] = await service.query<{ id: string }>(
    `select 'mer_' || replace(id::text, '-', '') as id from merchants`,
  );
  const { id } = await stripe.post(CREATE, {
    ...{ ...CARD, ...ALLOWED, capture_method: 'manual', [PAYMENT_TAG]: nobodys, [MERCHANT_TAG]: merchant?.id ?? '' },
  });
  elsewhere.push(id);
  // The sweep reads of a minute when it is a minute ago.
  await service.clock.advance(world.sandboxUrl, 300);
  await eventually(
    () => service.query('select from contradictions where subject = $1', [id]),
    (rows) => rows.length > 0,
  ).catch(() => complaints.push(`${id} holds money for a payment that is not here, and nothing tells of it`));
  await clearFaults(world);
  count('orphan');
};
