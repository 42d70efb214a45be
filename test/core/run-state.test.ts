import { expect } from 'chai';
import type { ResourceRow } from '../../src/core/observation.js';
import { runStateOf, storedState, withRunState } from '../../src/core/pause-span.js';
import { toldWindow } from '../../src/core/run-state.js';
import { at, running, stopped, withPause } from './facts.js';

const told = (s: number) => ({ earliest: at(s) - 1000, latest: at(s) + 1000 });

/** A row of the resources that was answered at `answeredS` and shows an uptime. */
function resource(answeredS: number, uptimeS: number | null) {
  const row: ResourceRow = {
    type: 'qemu',
    vmid: 104,
    node: 'n1',
    status: 'paused',
    uptimeS,
    name: null,
    pool: null,
    lock: null,
    tags: null,
    cores: null,
    memoryBytes: null,
    isTemplate: false,
  };
  return { row, sentAt: at(answeredS), receivedAt: at(answeredS) + 20 };
}

describe("QEMU's own state", () => {
  it('proves a run or a pause, or nothing', () => {
    expect(runStateOf('running', null)).to.equal('running');
    expect(runStateOf('running', 'migrate')).to.equal('running');
    expect(runStateOf('paused', null)).to.equal('paused');
    expect(runStateOf('paused', 'backup')).to.equal('paused');
    expect(runStateOf('io-error', null)).to.equal('io-error');
    expect(runStateOf('suspended', null)).to.equal('suspended');
  });

  it('proves nothing while Proxmox itself holds the guest for a moment, starts it or moves it', () => {
    for (const lock of ['snapshot', 'migrate', 'suspending']) expect(runStateOf('paused', lock), lock).to.equal(null);
    for (const state of ['save-vm', 'prelaunch', 'inmigrate', 'shutdown', 'unknown']) {
      expect(runStateOf(state, null), state).to.equal(null);
    }
  });
});

describe("when a row of the cluster's resources was true", () => {
  const sample = { sentAt: at(1000), receivedAt: at(1000) + 20, uptimeS: 500 };

  it('is told by its uptime against that of the list', () => {
    const window = toldWindow(resource(1002, 492), sample);
    expect(window?.earliest).to.be.within(at(990.9), at(991));
    expect(window?.latest).to.be.within(at(998), at(998.1));
  });

  it('is never later than the answer', () => {
    expect(toldWindow(resource(1002, 501), sample)?.latest).to.equal(at(1002) + 20);
  });

  it('is not known where it is of another process, or without an uptime, or of a node that died', () => {
    expect(toldWindow(resource(1002, 5000), sample)).to.equal(null);
    expect(toldWindow(resource(1002, 0), sample)).to.equal(null);
    expect(toldWindow(resource(1002, null), sample)).to.equal(null);
    expect(toldWindow(resource(1200, 500), sample)).to.equal(null);
  });
});

describe('samples of a state', () => {
  const process = running(100, [110, 1000]);

  it('that say nothing new leave the spans as they are', () => {
    const runs = [process];
    expect(withRunState(runs, null, { state: 'running', window: told(200) })).to.equal(runs);
    const held = [withPause(process, [200])];
    const last = { state: 'paused' as const, window: told(230) };
    expect(withRunState(held, last, { state: 'paused', window: told(260) })).to.equal(held);
  });

  it('join to one pause between the last and the first that showed it running', () => {
    const states = (['running', 'paused', 'paused', 'running'] as const).map((state, k) => {
      return { state, window: told(200 + 30 * k) };
    });
    let spans: readonly (typeof process)[] = [process];
    for (const [k, next] of states.entries()) spans = withRunState(spans, states[k - 1] ?? null, next);
    const pause = { id: null, kind: 'paused', before: told(200), first: told(230), last: told(260), after: told(290) };
    expect(spans[0]?.pauses).to.deep.equal([pause]);
  });

  it('end the pause of the process that the guest was moved from, and none from before a stop', () => {
    const moved = [withPause(process, [980]), running(1005, [1020], { nodeId: 2 })];
    const next = { state: 'running' as const, window: told(1030) };
    expect(withRunState(moved, null, next)[0]?.pauses[0]?.after).to.deep.equal(told(1030));
    const again = [withPause(process, [980]), stopped(1010), running(1015, [1020], { pid: 7 })];
    expect(withRunState(again, null, next)).to.equal(again);
  });

  it('of the time before a restart of the manager are those that the stored facts tell', () => {
    expect(storedState(process, null)).to.equal(null);
    expect(storedState(process, told(50))).to.equal(null);
    expect(storedState(process, told(500))).to.deep.equal({ state: 'running', window: told(500) });
    expect(storedState(withPause(process, [400]), told(500))?.state).to.equal('paused');
    expect(storedState(withPause(process, [400], { afterS: 430 }), told(500))?.state).to.equal('running');
  });
});
