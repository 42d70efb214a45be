import { expect } from 'chai';
import { audit, isClean, type LedgerSession } from '../../src/simulator/auditor.js';
import { demoScenario, plainKinds, randomScenario } from '../../src/simulator/scenarios.js';
import type { EventKind, Scenario } from '../../src/simulator/scenario.js';
import type { TrueSession } from '../../src/simulator/truth.js';
import { compileWorld } from '../../src/simulator/world.js';
import { beganAt, dataOf, get, type Row } from './asking.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function exactly(session: TrueSession): LedgerSession {
  const { cluster, type, vmid, startedAt, endedAt } = session;
  const start = { startAt: startedAt, startEarliest: startedAt, startLatest: startedAt, startEvidence: 'truth' };
  return {
    cluster,
    type,
    vmid,
    ...start,
    endAt: endedAt,
    endEarliest: endedAt,
    endLatest: endedAt,
    endEvidence: 'truth',
  };
}

/** Throws where a guest runs twice at once, a segment lies outside its session, or an end precedes its start. */
function expectSound(truths: readonly TrueSession[]): void {
  const last = new Map<string, TrueSession>();
  for (const session of truths) {
    const key = `${session.cluster}/${session.vmid}`;
    const before = last.get(key);
    if (before !== undefined) expect(session.startedAt).to.be.at.least(before.endedAt ?? Infinity);
    expect(session.endedAt ?? Infinity).to.be.at.least(session.startedAt);
    expect(session.segments[0]?.startedAt).to.equal(session.startedAt);
    expect(session.segments.at(-1)?.endedAt).to.equal(session.endedAt);
    last.set(key, session);
  }
}

describe('random worlds', () => {
  it('are the same for the same seed, and others for another', () => {
    const options = { days: 1, nodes: 3, guests: 6, faults: true };
    expect(randomScenario(5, options)).to.deep.equal(randomScenario(5, options));
    expect(randomScenario(6, options).events).not.to.deep.equal(randomScenario(5, options).events);
  });

  it('are sound, and audit clean against themselves', () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const scenario = randomScenario(seed, { days: 3, nodes: 1 + (seed % 4), guests: 6 });
      const untilAt = scenario.beganAt + 3 * dayMs;
      const truths = compileWorld(scenario).truth(untilAt);
      expectSound(truths);
      expect(isClean(audit(truths, truths.map(exactly), untilAt)), `seed ${seed}`).to.equal(true);
    }
  });

  it('show a process for every true session, and on its node', () => {
    const scenario = randomScenario(21, { days: 2, nodes: 3, guests: 8 });
    const world = compileWorld(scenario);
    for (let at = scenario.beganAt; at < scenario.beganAt + 2 * dayMs; at += 997_000) {
      for (const session of world.truth(at).filter((one) => one.endedAt === null)) {
        const node = session.segments.at(-1)?.node ?? '';
        const answer = get(world, node, `/nodes/${node}/${session.type}`, at);
        if (!('status' in answer)) continue;
        const row = dataOf<Row[]>(answer).find((one) => one.vmid === session.vmid);
        // Between the config's move and `cont` the guest is listed at the target already.
        if (row !== undefined) expect(row).to.include({ status: 'running' }).and.have.property('pid');
        else
          expect(
            dataOf<Row[]>(get(world, node, '/cluster/resources', at)).find((one) => one.vmid === session.vmid)?.node,
          ).not.to.equal(node);
      }
    }
  });

  it('keep to the kinds asked for', () => {
    const kindsOf = (scenario: Scenario): Set<EventKind> => new Set(scenario.events.map((event) => event.kind));
    const plain = kindsOf(randomScenario(4, { days: 4, nodes: 2, guests: 6, kinds: plainKinds }));
    expect([...plain].filter((kind) => !plainKinds.has(kind))).to.deep.equal([]);
    expect([...kindsOf(randomScenario(4, { days: 60, nodes: 3, guests: 12 }))].length).to.be.greaterThan(24);
  });
});

describe('the demo', () => {
  it('has a month of history, sessions of all ends, and something new at least every minute for hours', () => {
    const nowAt = beganAt + 40 * dayMs;
    const scenario = demoScenario(nowAt);
    const world = compileWorld(scenario);
    const truths = world.truth(nowAt);
    expectSound(truths);
    expect(truths.length).to.be.greaterThan(200);
    expect(new Set(truths.map((one) => one.endedHow))).to.include.members([
      'stop',
      'shutdown',
      'poweroff',
      'reboot',
      'host',
      'rollback',
      'suspend',
      null,
    ]);
    expect(truths.some((one) => one.vmid === 102 && one.life === 2)).to.equal(true);
    expect(truths.some((one) => one.segments.length > 1)).to.equal(true);
    const future = scenario.events.filter((event) => event.at > nowAt && event.at < nowAt + 4 * hourMs);
    expect(future.length).to.be.greaterThan(200);
    expect(world.truth(nowAt + hourMs).length).to.be.greaterThan(truths.length + 10);
  });
});
