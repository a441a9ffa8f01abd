import { describe, expect, it } from '@jest/globals';
import { createAdmission, createSeenKeys, type Admission } from '../../src/monitor/admission.ts';

const OVERLOAD = { delayMs: 100, utilisation: 1, intervalMs: 100 };
const CALM = { delayMs: 1, utilisation: 0.4, intervalMs: 100 };

const crowded = (): Admission => {
  const admission = createAdmission();
  for (let i = 0; i < 400; i++) admission.enter('money', false);
  for (let i = 0; i < 5; i++) admission.feel(OVERLOAD);
  return admission;
};
const drainTo = (admission: Admission, left: number): void => {
  while (admission.inflight().money > left) admission.leave('money');
};

describe('admission', () => {
  it('lets everyone in while the loop is calm', () => {
    const admission = createAdmission();
    for (let i = 0; i < 50; i++) admission.feel(CALM);
    expect(admission.enter('read', false)).toBeUndefined();
  });

  it('refuses nobody for a busy loop alone, nor for a delay alone', () => {
    const admission = createAdmission();
    for (let i = 0; i < 400; i++) admission.enter('money', false);
    for (let i = 0; i < 50; i++) admission.feel({ ...CALM, utilisation: 1 });
    for (let i = 0; i < 50; i++) admission.feel({ ...OVERLOAD, utilisation: 0.85 });
    expect(admission.enter('money', false)).toBeUndefined();
  });

  it('refuses when the loop is late and never rests', () => expect(crowded().enter('money', false)).toBe('overload'));

  it('refuses when those under way would take long at the rate at which they end, be the loop late or not', () => {
    const admission = createAdmission();
    for (let i = 0; i < 2_000; i++) admission.enter('money', false);
    for (let i = 0; i < 300; i++) admission.leave('money');
    admission.feel({ ...CALM, utilisation: 0.95 });
    expect(admission.enter('money', false)).toBe('overload');
  });

  it('refuses nobody where many wait for someone else, and the loop is free', () => {
    const admission = createAdmission();
    for (let i = 0; i < 2_000; i++) admission.enter('money', false);
    admission.leave('money');
    admission.feel(CALM);
    expect(admission.enter('money', false)).toBeUndefined();
  });

  it('refuses reports before reads, and reads before money', () => {
    const admission = crowded();
    drainTo(admission, Math.ceil(admission.limit() * 0.5));
    expect(admission.enter('report', false)).toBe('overload');
    expect(admission.enter('read', false)).toBeUndefined();
    drainTo(admission, 0);
    while (admission.inflight().money < admission.limit() * 0.8) admission.enter('money', true);
    expect(admission.enter('read', false)).toBe('overload');
    expect(admission.enter('money', false)).toBeUndefined();
  });

  it('never refuses a repeat, nor what is exempt', () => {
    expect(crowded().enter('money', true)).toBeUndefined();
    expect(crowded().enter('exempt', false)).toBeUndefined();
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
    for (let i = 0; i < 16; i++) expect(admission.enter('report', false)).toBeUndefined();
    expect(admission.enter('report', false)).toBe('in_flight');
  });

  it('counts what it refused, and nothing else', () => {
    const admission = crowded();
    admission.enter('money', false);
    admission.enter('money', true);
    expect(admission.shed()).toBe(1);
  });
});

describe('the keys of requests that were let in', () => {
  it('are known again, and forgotten in time', () => {
    const seen = createSeenKeys();
    seen.add('first');
    expect(seen.has('first')).toBe(true);
    for (let i = 0; i < 50_000; i++) seen.add(String(i));
    expect(seen.has('first')).toBe(false);
  });
});
