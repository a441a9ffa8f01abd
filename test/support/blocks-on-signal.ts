/** Imported into a process: on SIGUSR2 it blocks its event loop for as long as it takes to be found wedged. */
const BLOCKED_MS = 4_000;

process.on('SIGUSR2', function blockOnSignal() {
  const end = performance.now() + BLOCKED_MS;
  while (performance.now() < end);
});
