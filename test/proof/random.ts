/** Chance that can be repeated: the same seed gives the same run, as far as the machine's own timing allows. */
import { count } from '../../scripts/command-line.ts';

export { createRandom, type Random } from '../../src/demo/random.ts';

/** The seed that was asked for, or one that is printed, so that the run can be repeated. */
export const seedOf = (given: string | undefined): number =>
  given === undefined ? Math.floor(Math.random() * 2 ** 31) : count('seed', given, 0);
