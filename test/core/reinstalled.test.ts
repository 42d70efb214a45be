import { expect } from 'chai';
import { newNodeState } from '../../src/core/node-state.js';
import type { NodeObservation, TaskRow } from '../../src/core/observation.js';
import { reinstalledAt } from '../../src/core/reinstalled.js';
import { at } from './facts.js';
import { seen, taskRow } from './polled.js';

const NOW_S = 100_000;
/** It ran since -5000 when it was last seen. */
const node = { ...newNodeState(1, 'n1'), boots: [{ earliest: at(-5001), latest: at(-5000) }] };
const known = new Set([taskRow('qmstart', 10, 12).upid]);

/** The poll of a system that booted at `bootS`, with these rows in its log. */
function poll(
  bootS: number,
  rows: TaskRow[],
  more: { metKnown?: boolean; isComplete?: boolean } = {},
): NodeObservation {
  return {
    node: 'n1',
    beganAt: at(NOW_S),
    finishedAt: at(NOW_S) + 40,
    qemu: null,
    lxc: null,
    tasks: seen(NOW_S, { rows, metKnown: false, isComplete: true, ...more }),
    offset: { earliestMs: -300, latestMs: 300 },
    status: seen(NOW_S, { uptimeS: NOW_S - bootS, version: '9.1' }),
  };
}

const since = (bootS: number, count: number): TaskRow[] =>
  Array.from({ length: count }, (_, k) => taskRow('vncproxy', bootS + k + 1, bootS + k + 2));

describe('a node that was installed anew', () => {
  it('booted since, and its whole log holds nothing of what it held', () => {
    const boot = reinstalledAt(node, poll(90_000, since(90_000, 3)), known);
    expect(at(90_000)).to.be.within(boot?.earliest ?? 0, boot?.latest ?? 0);
    expect(reinstalledAt(node, poll(90_000, []), known)).to.not.equal(null);
  });

  const others: [title: string, observation: NodeObservation, of?: ReadonlySet<string>][] = [
    ['did not boot', poll(-5000, since(90_000, 3))],
    ['booted, and its log still holds a task that was known', poll(90_000, [taskRow('qmstart', 10, 12)])],
    ['booted, and reading its log met what was known', poll(90_000, since(90_000, 3), { metKnown: true })],
    ['booted, and its log was not read to its end', poll(90_000, since(90_000, 3), { isComplete: false })],
    ['booted, and its log is as long as one that was rotated', poll(90_000, since(90_000, 250))],
    ['booted, and its log tells of the time before we knew it', poll(90_000, [taskRow('qmstart', -6000, -5990)])],
    ['booted, and never had a task in its log', poll(90_000, []), new Set()],
  ];
  for (const [title, observation, of = known] of others) {
    it(`is not one that ${title}`, () => expect(reinstalledAt(node, observation, of)).to.equal(null));
  }
});
