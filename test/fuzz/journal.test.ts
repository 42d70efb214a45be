import { expect } from 'chai';
import { audit, type AuditReport } from '../../src/simulator/auditor.js';
import { randomScenario } from '../../src/simulator/random-scenario.js';
import { compileWorld } from '../../src/simulator/world.js';
import { readJournal } from './read-journal.js';
import { ledgerOf } from './run-world.js';
import { VirtualManager } from './virtual-manager.js';
import { MovedClock } from './world-api.js';

const MINUTE = 60_000;
const INTERVAL_MS = 30_000;
const DAYS = 1;

async function watched(seed: number): Promise<{ report: AuditReport; fromPolls: AuditReport }> {
  const options = { days: DAYS, nodes: 2, guests: 6 };
  const scenario = randomScenario(seed, options);
  for (const cluster of scenario.clusters)
    for (const token of cluster.tokens) for (const grant of token.privileges) grant.privileges.push('Sys.Syslog');
  const until = scenario.beganAt + DAYS * 86_400_000 + 20 * MINUTE;
  const ledgers = [];
  for (const hasJournal of [true, false]) {
    const world = compileWorld(scenario);
    const clock = new MovedClock(scenario.beganAt + MINUTE);
    const asked = new Set<string>();
    const managers = scenario.clusters.map(
      (one) => new VirtualManager(world, one.name ?? one.nodes[0]?.name ?? '', clock, INTERVAL_MS, 5),
    );
    for (let tick = clock.at; tick < until; tick += INTERVAL_MS) {
      clock.at = Math.max(clock.at, tick);
      for (const manager of managers) {
        await manager.pollResources();
        for (const node of manager.nodes) {
          const observation = await manager.poll(node);
          if (hasJournal) await readJournal(manager, node, { observation, clock, asked });
          clock.at += 617;
        }
      }
    }
    ledgers.push(audit(world.truth(until), ledgerOf(managers), until));
  }
  const [report, fromPolls] = ledgers;
  if (report === undefined || fromPolls === undefined) throw new Error('nothing was watched');
  return { report, fromPolls };
}

function outOfBounds(report: AuditReport): string[] {
  return report.outOfBounds.map(({ truth, edge }) => `${edge} ${truth.type} ${truth.vmid} ${truth.startedAt}`);
}

function countsOf({ missing, extra, merged, split }: AuditReport): number[] {
  return [missing, extra, merged, split].map((one) => one.length);
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

describe('the journal over random worlds', function () {
  this.timeout(120_000);

  it('brings ends without a task below a second or two, and puts none outside its bounds', async () => {
    const errorsMs: number[] = [];
    for (const seed of [11, 12]) {
      const { report, fromPolls } = await watched(seed);
      const known = new Set(outOfBounds(fromPolls));
      expect(
        outOfBounds(report).filter((one) => !known.has(one)),
        `seed ${seed}`,
      ).to.deep.equal([]);
      expect(countsOf(report), `seed ${seed}`).to.deep.equal(countsOf(fromPolls));
      const ends = report.boundaryErrors.filter(({ kind }) => kind === 'journal');
      errorsMs.push(...ends.map(({ errorMs }) => Math.abs(errorMs)));
      for (const { widthMs } of ends) expect(widthMs, `seed ${seed}`).to.be.below(5_000);
    }
    expect(errorsMs.length).to.be.above(5);
    expect(median(errorsMs)).to.be.below(1_000);
    expect(Math.max(...errorsMs)).to.be.below(2_500);
  });
});
