import { existsSync, readFileSync } from 'node:fs';
import { REPLIES, specFile, violationsIn } from '../sandbox/openapi.ts';
import type { TeardownGlobal } from './global-setup.ts';

export default async (): Promise<void> => {
  // A connection that a suite left open breaks now. That suite has failed for it already.
  process.on('uncaughtException', () => undefined);
  const violations = checkReplies();
  await (globalThis as TeardownGlobal).stopTestPostgres?.();
  if (violations.length > 0) {
    throw new Error(`The sandbox answered what Stripe's OpenAPI does not have:\n  ${violations.join('\n  ')}`);
  }
};

/** Every reply that the sandbox gave in this run, whoever asked: a suite of its own, the service, a proof. */
const checkReplies = (): string[] => {
  const file = process.env[REPLIES];
  if (file === undefined || !existsSync(file)) return [];
  const spec = specFile();
  if (spec !== undefined) {
    const count = readFileSync(file, 'utf8').split('\n').length - 1;
    process.stderr.write(`\n${count} replies of the sandbox, of different shapes, held to Stripe's OpenAPI.\n`);
    return violationsIn(spec, file);
  }
  process.stderr.write(
    "\n  NOT CHECKED: the sandbox's replies against Stripe's OpenAPI, which comes with stripe-mock.\n" +
      '  go install github.com/stripe/stripe-mock@latest\n\n',
  );
  return [];
};
