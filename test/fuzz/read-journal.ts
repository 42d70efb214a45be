import { wantedJournal } from '../../src/core/journal-wanted.js';
import type { NodeObservation } from '../../src/core/observation.js';
import { fetchJournal } from '../../src/proxmox/journal.js';
import type { VirtualManager, VirtualNode } from './virtual-manager.js';
import type { MovedClock } from './world-api.js';

/** Some seconds around the window: the lines of an end come late, and stamps are whole seconds. */
const MARGIN_S = 35;

/** Reads the node's journal after a poll, where an end asks for it, as collect does in the next one. */
export async function readJournal(
  manager: VirtualManager,
  node: VirtualNode,
  { observation, clock, asked }: { observation: NodeObservation; clock: MovedClock; asked: Set<string> },
): Promise<void> {
  const wanted = wantedJournal(manager.state.guests.values(), node.id, clock.at, asked);
  const offset = manager.state.nodes.get(node.id)?.clock?.offset ?? null;
  if (wanted === null || offset === null) return;
  const sinceS = Math.floor((wanted.window.earliest + offset.earliest) / 1000) - MARGIN_S;
  const untilS = Math.ceil((wanted.window.latest + offset.latest) / 1000) + MARGIN_S;
  const journal = await fetchJournal(node.api, node.name, { sinceS, untilS }, clock);
  if (journal.kind !== 'seen') return;
  for (const key of wanted.keys) asked.add(key);
  const { beganAt, finishedAt } = observation;
  const tasks = {
    kind: 'not_seen',
    reason: 'unreachable',
    detail: '',
    sentAt: beganAt,
    receivedAt: finishedAt,
  } as const;
  manager.take(node, { ...observation, qemu: null, lxc: null, tasks, offset: null, status: null, journal });
}
