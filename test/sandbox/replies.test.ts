/** The check of every reply that a test run provokes (test/support/global-teardown.ts), itself checked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { RecordedReply } from '../../src/sandbox/record.ts';
import { createDataDir } from '../support/suite.ts';
import { specFile, violationsIn } from './openapi.ts';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const file = join(await createDataDir(), 'replies');
const sandbox = await startSandbox({ SANDBOX_REPLIES: file });
const spec = specFile();

const recorded = (): RecordedReply[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedReply);

test('a sandbox that is asked to keeps each shape of reply once, refusals and what is told in events too', async () => {
  for (const amount of [1000, 2000, 3000]) await sandbox.stripe.paymentIntents.create({ ...CHARGE, amount });
  await failureOf(sandbox.stripe.paymentIntents.create({ ...CHARGE, payment_method: 'pm_card_visa_chargeDeclined' }));
  await sandbox.stripe.events.list();
  expect(recorded().map(({ method, path, status }) => `${status} ${method} ${path}`)).toEqual([
    '200 POST /v1/payment_intents',
    '402 POST /v1/payment_intents',
    '200 GET /v1/events',
  ]);
});

(spec === undefined ? describe.skip : describe)("Stripe's OpenAPI", () => {
  const SPOILED: readonly (readonly [string, string, string, string])[] = [
    ['a value that is on no list', '"status":"succeeded"', '"status":"done"', '"done" is not one of its values'],
    ['a text for a number', '"amount":1000', '"amount":"1000"', 'payment_intent.amount: "1000" for an integer'],
    ['a refusal of no known kind', '"type":"card_error"', '"type":"card"', '"card" is not one of its values'],
    ['an event about what is nothing', '"object":"charge"', '"object":"charged"', 'charged: no such schema'],
  ];

  test('has all of it', () => {
    expect(violationsIn(spec!, file)).toEqual([]);
  });

  test.each(SPOILED)('tells %s', (_what, right, wrong, told) => {
    const spoiled = `${file}-spoiled`;
    writeFileSync(spoiled, readFileSync(file, 'utf8').replaceAll(right, wrong));
    expect(violationsIn(spec!, spoiled).join('\n')).toContain(told);
  });
});
