import { expect } from 'chai';
import { readClock } from '../../src/core/node-clock.js';
import { newNodeState, type NodeState } from '../../src/core/node-state.js';
import { applyRow } from '../../src/core/sample.js';
import type { Span } from '../../src/core/span.js';
import { at } from './facts.js';

/** How old the node is when it is asked: its clock ran off by seconds since the boot, within 100 ppm. */
const NOW_S = 65_100;
const DRIFT_S = 4;

/** A node that booted at 0; of the boot itself no more is known than a window whose middle is seconds off. */
const node: NodeState = {
  ...newNodeState(1, 'n1'),
  boots: [{ earliest: at(-6), latest: at(1) }],
  uptimeClock: readClock(null, { earliestMs: at(DRIFT_S) - 400, latestMs: at(DRIFT_S) + 300 }, at(NOW_S - 200)),
};

function spanOf(uptimeS: number): Span | undefined {
  const row = { type: 'lxc', vmid: 102, name: 'ct', status: 'running', pid: 1399, uptimeS } as const;
  const more = { cores: 2, memoryBytes: 2 ** 31, lock: null, qmpstatus: null, tags: null, isTemplate: false };
  const { guest } = applyRow({
    row: { ...row, ...more },
    guest: null,
    pool: null,
    node,
    at: { sentAt: at(NOW_S), receivedAt: at(NOW_S) + 20 },
    lastSample: null,
    lastSeenOf: () => null,
    mayHaveRun: false,
  });
  return guest?.spans.at(-1);
}

describe('a container that shows its host’s uptime (ledger rule 7)', () => {
  it('is seen running, but not believed, however far the clocks ran apart since the boot', () => {
    const span = spanOf(NOW_S - DRIFT_S);
    expect(span?.state).to.equal('running');
    expect(span?.start).to.equal(null);
  });

  it('is believed where it began a few seconds after its host', () => {
    expect(spanOf(NOW_S - DRIFT_S - 12)?.start).to.not.equal(null);
  });
});
