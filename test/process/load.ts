/** Clients who charge and spend, each under a key of its own, and ask again as the errors tell them to. */
import { randomUUID } from 'node:crypto';
import { payFor, type Answer, type Client } from '../support/service.ts';

export interface Load {
  /** Everything that was answered, in order: status and code. */
  readonly seen: string[];
  /** Sends nothing new; what was begun is asked again, under its own key, until its answer is final. */
  readonly finish: () => Promise<{ readonly path: string; readonly answer: Answer }[]>;
}

const CLIENTS = 8;
/** Final: done, or refused for good. A 409 of a key in use and every 5xx are to be asked again. */
const isFinal = ({ status }: Answer): boolean => status === 201 || status === 402;

/** Pays 10 into the wallet and spends 3 of it, again and again. */
export const startLoad = (client: Client, customer: string): Load => {
  const seen: string[] = [];
  const answers: { path: string; answer: Answer }[] = [];
  let running = true;

  const ask = async (path: string, body: object): Promise<void> => {
    const key = randomUUID();
    for (;;) {
      const answer = await client.post(path, body, key).catch(() => undefined);
      seen.push(answer ? (answer.status < 300 ? 'done' : `${answer.status} ${answer.body.error.code}`) : 'no answer');
      if (answer && isFinal(answer)) {
        answers.push({ path, answer });
        return;
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (running) {
      await ask('/v1/payments', payFor(customer, 10));
      await ask('/v1/debits', { customer, amount: 3, currency: 'usd' });
    }
  });
  return {
    seen,
    finish: async () => {
      running = false;
      await Promise.all(clients);
      return answers;
    },
  };
};
