import { finishProcessing } from './attempt.ts';
import { expireCapture, settleLater } from './capture.ts';
import { failLate } from './charges.ts';
import { asOf } from './clock.ts';
import { decideDispute, openDispute, warnOfFraud } from './disputes.ts';
import { failPayout, payPayout } from './payouts.ts';
import type { Form } from './params.ts';
import { decideRefund } from './refunds.ts';
import { findRoute } from './routes.ts';
import type { Scope } from './scope.ts';

/** What the sandbox does by itself once its time has come, each with the id of the object that it is about. */
const TASKS: Readonly<Record<string, (scope: Scope, object: string) => void>> = {
  settle_charge: settleLater,
  expire_capture: expireCapture,
  finish_processing: finishProcessing,
  fail_late: failLate,
  open_dispute: openDispute,
  warn_of_fraud: warnOfFraud,
  decide_refund: decideRefund,
  decide_dispute: decideDispute,
  pay_payout: payPayout,
  fail_payout: failPayout,
  reconcile: (scope, asked) => {
    const { path, form } = JSON.parse(asked) as { path: string; form: Form };
    const found = findRoute('POST', path);
    // There is no request any more to be told of it.
    found?.route.run(scope, form, found.ids).unwrapOr(undefined);
  },
};

/** At once in one transaction; a jump of the clock that makes more due takes several. */
const BATCH = 200;

/** Does all that is due by the clock, in the order in which it fell due, and each as of that time: so it is dated. */
export const runDue = (scope: Scope): void => {
  const { clock, store } = scope;
  const untilMs = clock.nowMs();
  const isDue = (): boolean => (store.nextDueMs() ?? Infinity) <= untilMs;
  while (isDue())
    store.transaction(() => {
      // One at a time, since what it leads to may fall due before the next.
      for (let done = 0; done < BATCH && isDue(); done++)
        for (const { task, object, dueMs } of store.takeTimers(untilMs, 1))
          TASKS[task]?.({ ...scope, clock: asOf(clock, dueMs) }, object);
    });
};
