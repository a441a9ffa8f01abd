/** The sealer: seals what is final, and closes the periods that were asked for. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { PaymentError } from '../error.ts';
import type { Round } from './runner.ts';

export const sealBooks = ({ periods, clock }: Pick<Context, 'periods' | 'clock'>): ResultAsync<Round, PaymentError> =>
  periods
    .seal(clock.now())
    .andThen((isMore) => periods.close(clock.now()).map((isClosed) => (isMore || isClosed ? 'more' : 'done')));
