/** A service in which so much is under way that nobody more is let in: whatever it is asked, it refuses. */
import type { AddressInfo } from 'node:net';
import { okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../../src/context.ts';
import { newId, type MerchantId } from '../../src/domain/ids.ts';
import { principalOf, type Role } from '../../src/domain/principal.ts';
import { systemClock } from '../../src/domain/time.ts';
import { createLogger } from '../../src/log.ts';
import { createAdmission, createSeenKeys } from '../../src/monitor/admission.ts';
import { createServer } from '../../src/server.ts';
import { afterSuite } from './cleanup.ts';

/** Every key is another merchant's, of that role; of the key `never` it is never known whose it is. */
export const startCrowded = async (afterS = 1, role: Role = 'secret'): Promise<string> => {
  const admission = createAdmission();
  const visitor = { class: 'money', isPublic: false, isRepeat: false } as const;
  for (let n = 0; n < 400; n++) admission.enter({ ...visitor, principal: String(n) });
  for (let n = 0; n < 20; n++) admission.feel({ delayMs: 500, utilisation: 1, intervalMs: 100 });
  const merchants = new Map<string, MerchantId>();
  const { server } = createServer({
    // Whoever is refused comes to no operation.
    ctx: { log: createLogger('silent', process.stdout), clock: systemClock() } as Context,
    authenticate: ({ headers: { authorization = '' } }) => {
      if (authorization === 'Bearer never') return new ResultAsync(new Promise(() => undefined));
      const merchant = merchants.get(authorization) ?? newId('mer');
      merchants.set(authorization, merchant);
      return okAsync(principalOf(merchant, role));
    },
    admission,
    seen: createSeenKeys(),
    corsOrigins: ['https://shop.example'],
    onStripeEvent: () => undefined,
    onEnd: () => undefined,
    retryAfterS: () => afterS,
    onShed: () => undefined,
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  afterSuite(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
