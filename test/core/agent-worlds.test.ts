import { expect } from 'chai';
import { reportFrom, type AgentReport } from '../../src/core/agent-report.js';
import { agentSpans } from '../../src/core/agent-spans.js';
import type { Session } from '../../src/core/session.js';
import { seededRandom, type Random } from '../../src/simulator/random.js';
import { at, deriveStory } from './facts.js';

interface Run {
  fromS: number;
  toS: number;
}

interface Told {
  reports: AgentReport[];
  contactS: number;
  /** Deliveries of starts and stops that were lost. */
  lostCount: number;
}

const UNTIL_S = 6 * 3600;

function runsOf(random: Random): Run[] {
  const runs: Run[] = [];
  for (let now = random.between(20, 2000); now < UNTIL_S - 1500;) {
    const fromS = now + random.next();
    const toS = fromS + random.between(5, 2000);
    runs.push({ fromS, toS });
    now = Math.ceil(toS) + random.between(5, 1500);
  }
  return runs;
}

/** What an agent of the field tells of these runs: it looks once an interval, tells of changes, and keeps nothing that was not delivered. */
function told(random: Random, runs: readonly Run[], lossShare: number): Told {
  const everyS = random.pick([10, 30, 60]);
  const out: Told = { reports: [], contactS: 0, lostCount: 0 };
  let known: boolean | null = null;
  let contactS: number | null = null;
  for (let now = random.between(0, everyS); now < UNTIL_S; now += everyS) {
    if (random.chance(0.01)) known = null;
    const readS = now + random.next() * 2;
    const stampS = readS + random.next() * 7;
    const run = runs.find(({ fromS, toS }) => fromS <= readS && readS < toS);
    const isRunning = run !== undefined;
    const isTold = known === null || known !== isRunning;
    if (isTold && random.chance(lossShare)) out.lostCount += 1;
    else if (isTold) {
      out.reports.push(
        reportFrom({
          nodeId: 1,
          source: 'agent',
          state: isRunning ? 'running' : 'stopped',
          isEdge: known !== null,
          window: { earliest: at(stampS - 10), latest: at(stampS) },
          uptimeS: known === null && run !== undefined ? Math.floor(readS - run.fromS) : null,
          contactBeforeAt: contactS === null ? null : at(contactS),
        }),
      );
      contactS = stampS;
    }
    known = isRunning;
    const beatS = stampS + 0.5;
    if (random.chance(1 - lossShare)) contactS = beatS;
  }
  out.contactS = contactS ?? 0;
  return out;
}

function edgesHeld(sessions: readonly Session[], runs: readonly Run[]): boolean {
  return sessions.every(({ start, end }) => {
    const holds = (seconds: number, edge: Session['start']): boolean =>
      (edge.earliest ?? -Infinity) <= at(seconds) && at(seconds) <= edge.latest;
    const isStartHeld = runs.some(({ fromS }) => holds(fromS, start));
    return isStartHeld && (end === null || runs.some(({ toS }) => holds(toS, end)));
  });
}

describe('random worlds that an agent watches', () => {
  it('hold every boundary, and miss no run that the agent can have seen', () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = seededRandom(seed);
      const runs = runsOf(random);
      const { reports, contactS } = told(random, runs, 0);
      const { sessions } = deriveStory({ spans: agentSpans(reports, new Map([[1, at(contactS)]])) });
      expect(edgesHeld(sessions, runs), `seed ${seed}`).to.equal(true);
      // Runs and pauses that are longer than the agent looks away.
      const long = runs.filter(({ fromS, toS }, k) => toS - fromS > 70 && fromS - (runs[k - 1]?.toS ?? 0) > 70);
      expect(sessions.length, `seed ${seed}`).to.be.within(long.length, runs.length);
    }
  });

  it('hold every boundary where one delivery in ten is lost', () => {
    let lostCount = 0;
    for (let seed = 1; seed <= 150; seed += 1) {
      const random = seededRandom(seed);
      const runs = runsOf(random);
      const world = told(random, runs, 0.1);
      lostCount += world.lostCount;
      const { sessions } = deriveStory({ spans: agentSpans(world.reports, new Map([[1, at(world.contactS)]])) });
      expect(edgesHeld(sessions, runs), `seed ${seed}`).to.equal(true);
    }
    expect(lostCount).to.be.above(50);
  });
});
