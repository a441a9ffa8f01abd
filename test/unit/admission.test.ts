import { describe, expect, it } from '@jest/globals';
import {
  createAdmission,
  createSeenKeys,
  type Admission,
  type AdmissionClass,
  type Visitor,
} from '../../src/monitor/admission.ts';

/** Each of another merchant, unless one is named. */
let merchants = 0;
const one = (of: AdmissionClass, more: Partial<Visitor> = {}): Visitor => ({
  class: of,
  principal: `merchant ${merchants++} secret`,
  isPublic: false,
  isRepeat: false,
  ...more,
});
const crowd = (count: number): Visitor[] =>
  Array.from({ length: count }, (_, n) => one('money', { principal: `crowd ${n} secret` }));

const OVERLOAD = { delayMs: 100, utilisation: 1, intervalMs: 100 };
const CALM = { delayMs: 1, utilisation: 0.4, intervalMs: 100 };

const crowded = (): Admission => {
  const admission = createAdmission();
  for (const visitor of crowd(400)) admission.enter(visitor);
  for (let i = 0; i < 5; i++) admission.feel(OVERLOAD);
  return admission;
};
const drainTo = (admission: Admission, left: number): void => {
  for (const visitor of crowd(400)) if (admission.inflight().money > left) admission.leave(visitor);
};

describe('admission', () => {
  it('lets everyone in while the loop is calm', () => {
    const admission = createAdmission();
    for (let i = 0; i < 50; i++) admission.feel(CALM);
    expect(admission.enter(one('read'))).toBeUndefined();
  });

  it('refuses nobody for a busy loop alone, nor for a delay alone', () => {
    const admission = createAdmission();
    for (const visitor of crowd(400)) admission.enter(visitor);
    for (let i = 0; i < 50; i++) admission.feel({ ...CALM, utilisation: 1 });
    for (let i = 0; i < 50; i++) admission.feel({ ...OVERLOAD, utilisation: 0.85 });
    expect(admission.enter(one('money'))).toBeUndefined();
  });

  it('refuses when the loop is late and never rests', () => expect(crowded().enter(one('money'))).toBe('overload'));

  it('refuses when those under way would take long at the rate at which they end, be the loop late or not', () => {
    const admission = createAdmission();
    for (const visitor of crowd(2_000)) admission.enter(visitor);
    for (const visitor of crowd(300)) admission.leave(visitor);
    admission.feel({ ...CALM, utilisation: 0.95 });
    expect(admission.enter(one('money'))).toBe('overload');
  });

  it('refuses nobody where many wait for someone else, and the loop is free', () => {
    const admission = createAdmission();
    for (const visitor of crowd(2_000)) admission.enter(visitor);
    admission.leave(crowd(1)[0]!);
    admission.feel(CALM);
    expect(admission.enter(one('money'))).toBeUndefined();
  });

  it('refuses reports before reads, and reads before money', () => {
    const admission = crowded();
    drainTo(admission, Math.ceil(admission.limit() * 0.5));
    expect(admission.enter(one('report'))).toBe('overload');
    expect(admission.enter(one('read'))).toBeUndefined();
    drainTo(admission, 0);
    while (admission.inflight().money < admission.limit() * 0.8) admission.enter(one('money', { isRepeat: true }));
    expect(admission.enter(one('read'))).toBe('overload');
    expect(admission.enter(one('money'))).toBeUndefined();
  });

  it('refuses no repeat for a load', () => {
    expect(crowded().enter(one('money', { isRepeat: true }))).toBeUndefined();
  });

  it('keeps its limit between the two marks, so that it does not swing', () => {
    const admission = crowded();
    const limit = admission.limit();
    for (let i = 0; i < 50; i++) admission.feel({ ...OVERLOAD, delayMs: 25 });
    expect(admission.limit()).toBe(limit);
  });

  it('is open again within five seconds of the end of the load', () => {
    const admission = crowded();
    drainTo(admission, 0);
    for (let i = 0; i < 50; i++) admission.feel(CALM);
    expect(admission.limit()).toBeGreaterThan(1000);
  });

  it('bounds each class at any time', () => {
    const admission = createAdmission();
    for (let i = 0; i < 16; i++) expect(admission.enter(one('report'))).toBeUndefined();
    expect(admission.enter(one('report'))).toBe('in_flight');
  });

  it('counts what it refused, and nothing else', () => {
    const admission = crowded();
    admission.enter(one('money'));
    admission.enter(one('money', { isRepeat: true }));
    expect(admission.shed()).toBe(1);
  });
});

describe('however large the house', () => {
  const fill = (admission: Admission, visitor: Visitor): number => {
    for (let n = 0; ; n++) if (admission.enter(visitor)) return n;
  };

  it.each(['money', 'read', 'report'] as const)('nobody has more than three quarters of it: %s', (of) => {
    const admission = createAdmission();
    const greedy = one(of);
    expect(fill(admission, greedy)).toBeGreaterThan(0);
    expect(admission.enter(greedy)).toBe('share');
    expect(admission.enter({ ...greedy, isRepeat: true })).toBe('share');
    expect(admission.enter(one(of))).toBeUndefined();
    admission.leave(greedy);
    expect(admission.enter(greedy)).toBeUndefined();
  });

  it('those whose keys anyone can read have a half of it together', () => {
    const admission = createAdmission();
    const filled = [1, 2, 3, 4].map(() => fill(admission, one('money', { isPublic: true })));
    // One alone may not have what all of them may.
    expect(filled[1]).toBeGreaterThan(0);
    expect(filled.slice(2)).toEqual([0, 0]);
    expect(fill(admission, one('money'))).toBeGreaterThan(filled[0]! / 2);
  });
});

describe('the keys of requests that were let in', () => {
  it('are known again once they are answered, and forgotten in time', () => {
    const seen = createSeenKeys();
    const answered = seen.begin('shop', 'first');
    expect(seen.isRepeat('shop', 'first')).toBe(false);
    answered();
    expect(seen.isRepeat('shop', 'first')).toBe(true);
    for (let i = 0; i < 50_000; i++) seen.begin('shop', String(i))();
    expect(seen.isRepeat('shop', 'first')).toBe(false);
  });

  it("are one merchant's: another's make none of them forgotten, however many those are", () => {
    const seen = createSeenKeys();
    seen.begin('shop', 'first')();
    for (let i = 0; i < 50_000; i++) seen.begin('other', String(i))();
    expect(seen.isRepeat('shop', 'first')).toBe(true);
    expect(seen.isRepeat('other', 'first')).toBe(false);
  });

  it('let in one more at a time, however many ask', () => {
    const seen = createSeenKeys();
    seen.begin('shop', 'constant')();
    const answered = seen.begin('shop', 'constant');
    expect(seen.isRepeat('shop', 'constant')).toBe(false);
    seen.begin('shop', 'constant')();
    expect(seen.isRepeat('shop', 'constant')).toBe(false);
    answered();
    expect(seen.isRepeat('shop', 'constant')).toBe(true);
  });
});
