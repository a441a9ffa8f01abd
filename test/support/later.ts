/** The service as it is, but by its clock it is `LATER_S` seconds later. For proofs in which a day must pass. */
import { loadConfig } from '../../src/config.ts';
import { systemClock } from '../../src/domain/time.ts';
import { openLog } from '../../src/log.ts';
import { createService } from '../../src/service.ts';

const main = async (): Promise<void> => {
  const config = loadConfig(process.env)._unsafeUnwrap();
  if (config.database.kind !== 'url') throw new Error('DATABASE_URL must be set');
  const { log } = openLog(config.logLevel);
  const clock = systemClock(Number(process.env['LATER_S'] ?? 0) * 1000);
  const service = createService({ config, databaseUrl: config.database.url, stripe: config.stripe, log, clock });
  const { apiUrl } = (await service.listen())._unsafeUnwrap();
  process.once('SIGTERM', () => void service.close(1_000).map(() => process.exit(0)));
  process.stdout.write(`API ${apiUrl}\n`);
};

await main();
