/** Bodies that are on their way: what they hold together is bounded, so that those whose end never comes crowd out nobody. */
import type { Request, Response } from 'express';

/** A body that is on its way. */
interface Reading {
  readonly since: number;
  /** Tells its caller that it is read no further, and sees to that. */
  readonly giveWay: () => void;
  bytes: number;
}
const weightOf = ({ since, bytes }: Reading, now: number): number => bytes * (now - since);

/** Follows a body that is about to be read. What it answers is called when it has come. */
export type FollowBody = (request: Request, response: Response, giveWay: () => void) => () => void;

/** At most so many bytes at a time, of bodies that have not come to their end: those that have not begun hold nothing. */
export const createFollowBody = (bytesMax: number): FollowBody => {
  const reading = new Map<Request, Reading>();
  let readingBytes = 0;

  const end = (request: Request): void => {
    readingBytes -= reading.get(request)?.bytes ?? 0;
    reading.delete(request);
  };

  /**
   * Whoever has held most for longest gives way. An honest body is a few packets that come at once: among callers who
   * hold back the end of theirs, it is never one of those.
   */
  const makeRoom = (now: number): void => {
    let heaviest: [Request, Reading] | undefined;
    for (const one of reading) if (!heaviest || weightOf(one[1], now) > weightOf(heaviest[1], now)) heaviest = one;
    if (!heaviest) return;
    const [request, { giveWay }] = heaviest;
    end(request);
    giveWay();
  };

  return (request, response, giveWay) => {
    const one: Reading = { since: performance.now(), giveWay, bytes: 0 };
    reading.set(request, one);
    request.on('data', ({ length }: Buffer) => {
      if (!reading.has(request)) return;
      one.bytes += length;
      readingBytes += length;
      while (readingBytes > bytesMax) makeRoom(performance.now());
    });
    // Broken off, it is told to nobody.
    response.once('close', () => end(request));
    return () => end(request);
  };
};
