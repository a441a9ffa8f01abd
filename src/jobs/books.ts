/** Proves the books now and then, so that a ledger which made or lost money pages someone. */
import { okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { plusMs, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { Round } from './runner.ts';

/** The more there is the seldomer, so that it takes a hundredth of a core; but all of it once in a day. */
const REST = 100;
const WHOLE_REST_MS_MAX = 24 * 3_600_000;
const REST_MS_MAX = 3_600_000;
/** A part begins this long before where the last one ended: what it built on is looked at again. */
const OVERLAP_MS = 1_000;

/** What a person asks for takes at most a quarter of a core, whoever asks for it how often. */
const ASKED_REST = 3;

/** Proves the books of who has asked for it. */
export const proveAsked = (): ((ctx: Pick<Context, 'clock' | 'proofs'>) => ResultAsync<Round, PaymentError>) => {
  let restUntil = 0;
  return ({ clock, proofs }) => {
    const startedAt = performance.now();
    if (startedAt < restUntil) return okAsync('done');
    return proofs.proveAsked(clock.now()).map((was) => {
      const endedAt = performance.now();
      if (was) restUntil = endedAt + (endedAt - startedAt) * ASKED_REST;
      return 'done';
    });
  };
};

/** All of the books at first, and then in turns what was posted since, with all of it again after a rest. */
export const proveBooks = (
  onProved: (holds: boolean) => void,
): ((ctx: Pick<Context, 'log' | 'clock' | 'proofs'>) => ResultAsync<Round, PaymentError>) => {
  let restUntil = 0;
  let wholeRestUntil = 0;
  let since: Micros | null = null;
  let isWrong = false;
  return ({ log, clock, proofs }) => {
    const startedAt = performance.now();
    if (startedAt < restUntil) return okAsync('done');
    const isWhole = since === null || startedAt >= wholeRestUntil;
    // Where it fails, however long that took, it is tried again with the next round.
    return proofs.prove({ merchant: null, since: isWhole ? null : since }, clock.now()).map(({ checked, to }) => {
      const endedAt = performance.now();
      const restMs = (endedAt - startedAt) * REST;
      restUntil = endedAt + Math.min(restMs, REST_MS_MAX);
      if (isWhole) wholeRestUntil = endedAt + Math.min(restMs, WHOLE_REST_MS_MAX);
      const wrong = checked.flatMap(({ merchant, findings }) => findings.map((finding) => ({ merchant, ...finding })));
      for (const finding of wrong) log.error(finding, 'the books do not prove: something in them is wrong');
      // What was wrong stays so until all of the books were looked at again.
      isWrong = wrong.length > 0 || (isWrong && !isWhole);
      onProved(!isWrong);
      since = plusMs(to, -OVERLAP_MS);
      return 'done';
    });
  };
};
