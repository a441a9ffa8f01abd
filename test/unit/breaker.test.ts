import { afterEach, expect, it, jest } from '@jest/globals';
import pino from 'pino';
import Stripe from 'stripe';
import { createBreaker } from '../../src/stripe/breaker.ts';
import { eventually } from '../support/stripe.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

it('no more than 512 calls wait for Stripe: nothing new is begun until one has ended, and those that were wait', async () => {
  const { call, refusal, inFlight } = createBreaker(pino({ level: 'silent' }));
  const { promise: answer, resolve: hang } = Promise.withResolvers<string>();
  let begun = 0;
  const ask = (): Promise<string> =>
    call(() => {
      begun++;
      return answer;
    });

  expect(refusal()).toBeUndefined();
  const asked = Array.from({ length: 600 }, ask);
  expect([begun, inFlight()]).toEqual([512, 512]);
  expect(refusal()).toMatchObject({ code: 'provider_unavailable', outcome: 'none', retryAfterS: 1 });

  hang('paid');
  expect(await Promise.all(asked)).toHaveLength(600);
  expect([begun, inFlight(), refusal()]).toEqual([600, 0, undefined]);
});

it('a call that did not have its turn before its deadline is never made', async () => {
  const { call } = createBreaker(pino({ level: 'silent' }));
  const { promise: answer, resolve: hang } = Promise.withResolvers<string>();
  const hanging = Array.from({ length: 512 }, () => call(() => answer));
  let begun = false;
  await expect(
    call(() => {
      begun = true;
      return answer;
    }, 5),
  ).rejects.toThrow();
  hang('paid');
  await Promise.all(hanging);
  expect(begun).toBe(false);
});

it('lists that fail, however many in a row, stop no charge', async () => {
  const { aside, call, circuit } = createBreaker(pino({ level: 'silent' }));
  const fail = (): Promise<never> =>
    Promise.reject(new Stripe.errors.StripeConnectionError({ type: 'api_error', message: 'reset' }));
  for (let n = 0; n < 10; n++) await expect(aside(fail)).rejects.toThrow('reset');
  expect(circuit()).toBe('closed');
  // The same, of calls that move money, opens it.
  for (let n = 0; n < 10; n++) await call(fail).catch(() => undefined);
  expect(circuit()).toBe('open');
  await expect(aside(() => Promise.resolve('a list'))).rejects.toThrow();
});

it('that the same request is still under way at Stripe neither opens the circuit, nor keeps it closed, nor closes it', async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0);
  const { call, circuit, isProbeDue } = createBreaker(pino({ level: 'silent' }));
  const underWay = (): Promise<never> =>
    Promise.reject(new Stripe.errors.StripeAPIError({ type: 'idempotency_error', message: 'in use', statusCode: 409 }));
  const fail = (): Promise<never> =>
    Promise.reject(new Stripe.errors.StripeConnectionError({ type: 'api_error', message: 'reset' }));
  for (let n = 0; n < 10; n++) await expect(call(underWay)).rejects.toThrow('in use');
  expect(circuit()).toBe('closed');
  for (let n = 0; n < 5; n++) {
    await expect(call(fail)).rejects.toThrow('reset');
    await call(underWay).catch(() => undefined);
  }
  expect(circuit()).toBe('open');
  await eventually(
    () => Promise.resolve(isProbeDue()),
    (isDue) => isDue,
  );
  await expect(call(underWay)).rejects.toThrow('in use');
  expect(circuit()).toBe('open');
});

it('the circuit is probed in time, though the clock of the machine is set back by ten minutes meanwhile', async () => {
  const { call, circuit, isProbeDue } = createBreaker(pino({ level: 'silent' }));
  const fail = (): Promise<never> =>
    Promise.reject(new Stripe.errors.StripeConnectionError({ type: 'api_error', message: 'reset' }));
  for (let n = 0; n < 5; n++) await call(fail).catch(() => undefined);
  expect(circuit()).toBe('open');
  const real = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(real - 600_000);
  while (!isProbeDue()) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await call(() => Promise.resolve('paid'))).toBe('paid');
  expect(circuit()).toBe('closed');
});

it('a probe that fails opens the circuit again, and what was sent before it says nothing of it', async () => {
  const { call, circuit, isProbeDue } = createBreaker(pino({ level: 'silent' }));
  const fail = (): Promise<never> =>
    Promise.reject(new Stripe.errors.StripeConnectionError({ type: 'api_error', message: 'reset' }));
  const { promise: late, resolve: answer } = Promise.withResolvers<string>();
  const early = call(() => late);
  for (let n = 0; n < 5; n++) await call(fail).catch(() => undefined);
  answer('paid');
  expect([await early, circuit()]).toEqual(['paid', 'open']);
  while (!isProbeDue()) await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(call(fail)).rejects.toThrow('reset');
  expect([circuit(), isProbeDue()]).toEqual(['open', false]);
});
