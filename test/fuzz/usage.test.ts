import { expect } from 'chai';
import type { Interval } from '../../src/core/interval.js';
import { usageOf } from '../../src/core/usage.js';
import { audit, isClean } from '../../src/simulator/auditor.js';
import { seededRandom } from '../../src/simulator/random.js';
import type { TrueSession } from '../../src/simulator/truth.js';
import { familyOf } from './families.js';
import { ledgerOf, runWorld, type WorldRun } from './run-world.js';

const WORLDS = 60;
const PER_TEST = 20;
const DAYS = 0.13;

/** How long the guest truly ran within the range, as of the world's end. */
function trueMs(truths: readonly TrueSession[], { from, to }: Interval, untilAt: number): number {
  return truths.reduce((sum, { startedAt, endedAt }) => {
    return sum + Math.max(0, Math.min(endedAt ?? untilAt, to) - Math.max(startedAt, from));
  }, 0);
}

interface Judged {
  count: number;
  /** Ranges of guests in which nothing was unseen, and in which something was. */
  seenCount: number;
  unseenCount: number;
  widestMs: number;
}

/** Judges every guest in parts of the world's time; leaves out the guests of which neither log nor samples told all (reach.ts). */
function judge({ managers, world, untilAt, scenario }: WorldRun, title: string, judged: Judged): void {
  const random = seededRandom(scenario.seed * 17 + 3);
  const ledger = ledgerOf(managers);
  const truths = world.truth(untilAt);
  for (const manager of managers) {
    for (const [key, sessions] of manager.sessions()) {
      const [type, vmid] = key.split('/');
      const isIts = (one: { cluster: string; type: string; vmid: number }): boolean =>
        one.cluster === manager.cluster && one.type === type && one.vmid === Number(vmid);
      const ofGuest = truths.filter(isIts);
      if (!isClean(audit(ofGuest, ledger.filter(isIts), untilAt))) continue;
      const provenUntil = manager.provenUntil(key);
      const facts = { sessions: sessions.map((session) => ({ ...session, provenUntil })), gaps: manager.gaps };
      const [a, b] = [random.between(0, 200), random.between(0, 200)].map((minutes) => minutes * 60_000 + 123);
      const cuts = [
        scenario.beganAt,
        scenario.beganAt + Math.min(a ?? 0, b ?? 0),
        untilAt - Math.max(a ?? 0, b ?? 0),
        untilAt,
      ];
      cuts.sort((x, y) => x - y);
      for (let k = 1; k < cuts.length; k += 1) {
        const range = { from: cuts[k - 1] ?? 0, to: cuts[k] ?? 0 };
        const usage = usageOf(facts, range, untilAt);
        const offMs = Math.abs(usage.totalMs - trueMs(ofGuest, range, untilAt));
        expect(offMs, `${title} ${key} part ${k}`).to.be.at.most(usage.errorMs + usage.unseenMs);
        judged.count += 1;
        if (usage.unseenMs === 0) judged.seenCount += 1;
        else judged.unseenCount += 1;
        if (usage.unseenMs === 0) judged.widestMs = Math.max(judged.widestMs, usage.errorMs);
      }
    }
  }
}

describe('the usage of random worlds', () => {
  for (let first = 1; first <= WORLDS; first += PER_TEST) {
    it(`holds the truth within its error bound where all was seen, and within the unseen time else (seeds ${first} to ${first + PER_TEST - 1})`, async () => {
      const judged: Judged = { count: 0, seenCount: 0, unseenCount: 0, widestMs: 0 };
      for (let seed = first; seed < first + PER_TEST; seed += 1) {
        const { title, options } = familyOf(seed, DAYS);
        judge(await runWorld(seed, options), `seed ${seed}: ${title}:`, judged);
      }
      expect(judged.seenCount).to.be.above(100);
      expect(judged.unseenCount).to.be.above(20);
    }).timeout(180_000);
  }
});
