/**
 * A clock that stands while the event loop is held. What waits for an answer measures by it how long nothing was heard:
 * a loop that is held hears no one, and that is told by itself.
 */

/** What holds the loop for less makes nobody look slow. */
const EVERY_MS = 50;

let heldMs = 0;
let dueAt = performance.now() + EVERY_MS;
setInterval(() => {
  const now = performance.now();
  heldMs += Math.max(0, now - dueAt);
  dueAt = now + EVERY_MS;
}, EVERY_MS).unref();

/** Milliseconds, of which only differences mean something. */
export const awakeMs = (): number => performance.now() - heldMs - Math.max(0, performance.now() - dueAt);
