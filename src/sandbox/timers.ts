import { finishProcessing } from './attempt.ts';
import { expireCapture, settleLater } from './capture.ts';
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

/** Does all that is due by the clock, in the order in which it fell due. */
export const runDue = (scope: Scope): void => {
  for (;;) {
    const nextMs = scope.store.nextDueMs();
    if (nextMs === undefined || nextMs > scope.clock.nowMs()) return;
    scope.store.transaction(() => {
      for (const { task, object } of scope.store.takeTimers(scope.clock.nowMs(), BATCH)) TASKS[task]?.(scope, object);
    });
  }
};
