import { expect, it } from '@jest/globals';
import { systemClock, type Micros } from '../../src/domain/time.ts';
import { createDatabaseClock } from '../../src/storage/clock.ts';
import { createDatabase } from '../support/suite.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();

it('the time does not go back when the database is asked again, however long its answers take', async () => {
  const clock = createDatabaseClock(l.openInstance(url).database.pool, systemClock());
  (await clock.sync())._unsafeUnwrap();
  const seen: Micros[] = [];
  for (let n = 0; n < 300; n++) {
    seen.push(clock.now());
    (await clock.sync())._unsafeUnwrap();
    seen.push(clock.now());
  }
  expect(seen.toSorted((a, b) => Number(a - b))).toEqual(seen);
});
