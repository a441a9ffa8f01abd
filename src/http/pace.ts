/**
 * What is large takes turns: a body of a thousand lines, or a page of a hundred payments, holds the event loop for as long
 * as dozens of charges do. While others ask too, one such request of a merchant is under way at a time, and the loop is
 * theirs for a while before his next: however many he sends at once, they wait for one.
 */
import type { ServerResponse } from 'node:http';
import type { MerchantId } from '../domain/ids.ts';

/** A body of some hundred lines takes a millisecond or two to look at: what is smaller is a request like any. */
const LARGE_BODY = 16 * 1024;
/** As many as a list has whose caller names no number. */
const LONG_PAGE = 10;
/** Of one merchant. The last of them waits for some seconds, which a client does, and their bodies are 8 MB. */
const WAITING_MAX = 32;
/** A quarter of the loop is his, three quarters are the others'. */
const REST = 3;
/** Who has asked for nothing for so long is nobody whom he keeps waiting. */
const OTHERS_MS = 10_000;
/** A reply is taken in a moment, and packed first: his next waits for that, so that what nobody takes is not piled up. */
const TAKE_MS = 1_000;
/** What is not seen of it when it begins, from measurements: the rows of a bulk, 30 ms of 150 KB, and a page of 5 MB, 40 ms. */
const BODY_BYTES_PER_MS = 5_000;
const REPLY_BYTES_PER_MS = 125_000;

/** Whether a request is large: by its body, or by the `limit` of the list that it asks for. */
export const isLarge = (body: string, limit: unknown): boolean => body.length > LARGE_BODY || Number(limit) > LONG_PAGE;

/** The turn of a large request. */
export interface Turn {
  /** Begins it, and sees how long that holds the loop. */
  readonly run: <T>(begin: () => T) => T;
  /** To be called when its answer is known. It is over when that was taken, or was not for a while. */
  readonly end: (response: ServerResponse, replyCharacters: number) => void;
}

export interface Pace {
  /** That merchant asks for something, large or not. */
  readonly asks: (merchant: MerchantId) => void;
  /** Resolves when it is the turn of a large request; to undefined at once where too many of its merchant wait. */
  readonly begin: (merchant: MerchantId, bodyCharacters: number) => Promise<Turn | undefined>;
}

export const createPace = (): Pace => {
  /** Those of whom one is under way, or was until a moment ago; and who waits for that. */
  const queues = new Map<MerchantId, (() => void)[]>();
  /** Who asked last, and the last who was somebody else. */
  let latest: { readonly merchant: MerchantId | undefined; at: number } = { merchant: undefined, at: -Infinity };
  let before = latest;

  const isAlone = (merchant: MerchantId): boolean =>
    performance.now() - (latest.merchant === merchant ? before : latest).at > OTHERS_MS;

  const next = (merchant: MerchantId): void => {
    const begin = queues.get(merchant)?.shift();
    if (begin) begin();
    else queues.delete(merchant);
  };

  const turnOf = (bodyCharacters: number, end: (heldMs: number) => void): Turn => {
    let heldMs = bodyCharacters / BODY_BYTES_PER_MS;
    return {
      run: (begin) => {
        const startedAt = performance.now();
        const begun = begin();
        heldMs = Math.max(heldMs, performance.now() - startedAt);
        return begun;
      },
      end: (response, replyCharacters) => whenTaken(response, () => end(heldMs + replyCharacters / REPLY_BYTES_PER_MS)),
    };
  };

  return {
    asks: (merchant) => {
      const at = performance.now();
      if (latest.merchant === merchant) latest.at = at;
      else [before, latest] = [latest, { merchant, at }];
    },
    begin: (merchant, bodyCharacters) => {
      const waiting = queues.get(merchant);
      const turn = turnOf(
        bodyCharacters,
        (heldMs) => void setTimeout(next, isAlone(merchant) ? 0 : heldMs * REST, merchant),
      );
      if (waiting) {
        if (waiting.length >= WAITING_MAX) return Promise.resolve(undefined);
        return new Promise((resolve) => waiting.push(() => resolve(turn)));
      }
      if (isAlone(merchant)) return Promise.resolve(turnOf(0, () => undefined));
      queues.set(merchant, []);
      return Promise.resolve(turn);
    },
  };
};

const whenTaken = (response: ServerResponse, then: () => void): void => {
  if (response.closed) {
    then();
    return;
  }
  const over = (): void => {
    clearTimeout(timer);
    response.off('close', over);
    then();
  };
  const timer = setTimeout(over, TAKE_MS);
  response.on('close', over);
};
