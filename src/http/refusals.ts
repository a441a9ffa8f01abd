/** Requests that are refused at the door leave no line each: how many they were is told now and then. */
import type { Logger } from 'pino';

/** As often as a person looks. */
const TELL_EVERY_MS = 10_000;

/** Tells of the first at once, then of all in each ten seconds, and when they have ended. */
export const createRefusalLog = (log: Logger): ((serviceClass: string) => void) => {
  let refused: Record<string, number> = {};
  let timer: NodeJS.Timeout | undefined;

  const tell = (): void => {
    if (Object.keys(refused).length === 0) {
      clearInterval(timer);
      timer = undefined;
      log.warn(`no request was refused in the last ${TELL_EVERY_MS / 1000} s`);
      return;
    }
    log.warn(
      { refused, seconds: TELL_EVERY_MS / 1000, code: 'overloaded' },
      'requests were refused: more came than can be served',
    );
    refused = {};
  };

  return (serviceClass) => {
    if (!timer) {
      log.warn(
        { class: serviceClass, code: 'overloaded' },
        'requests are refused from now on: more come than can be served',
      );
      timer = setInterval(tell, TELL_EVERY_MS).unref();
    }
    refused[serviceClass] = (refused[serviceClass] ?? 0) + 1;
  };
};
