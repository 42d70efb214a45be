import type { NodeClock } from '../../core/node-clock.js';
import type { NodeState } from '../../core/node-state.js';
import type { NodeObservation, Seen } from '../../core/observation.js';
import type { Window } from '../../core/window.js';
import type { Queryable, Trx } from '../database.js';
import { windowOf, type Row } from './row.js';

/** A poll as its row tells it, and the node as it is known after it. */
export interface PolledRow {
  node: NodeState;
  observation: NodeObservation;
  error: string | null;
  /** When it showed the states of all VMs of the node; null where it did not. */
  statesSeen: Window | null;
}

/**
 * Writes a row per poll, with the node's clocks as they are known after it, all in one statement (ledger rule 2: polls that
 * change nothing are written together). A manager that starts takes the clocks up from there.
 */
export async function writePolls(trx: Trx, polls: readonly PolledRow[]): Promise<void> {
  if (polls.length === 0) return;
  await trx('polls').insert(polls.map(pollRow));
}

function pollRow({ node, observation, error, statesSeen }: PolledRow): Record<string, unknown> {
  const { qemu, lxc, tasks, offset } = observation;
  return {
    node_id: node.id,
    began_at: observation.beganAt,
    finished_at: observation.finishedAt,
    qemu_outcome: outcomeOf(qemu),
    lxc_outcome: outcomeOf(lxc),
    tasks_outcome: outcomeOf(tasks),
    qemu_sent_at: qemu?.kind === 'seen' ? qemu.sentAt : null,
    qemu_received_at: qemu?.kind === 'seen' ? qemu.receivedAt : null,
    lxc_sent_at: lxc?.kind === 'seen' ? lxc.sentAt : null,
    lxc_received_at: lxc?.kind === 'seen' ? lxc.receivedAt : null,
    tasks_sent_at: tasks.kind === 'seen' ? tasks.sentAt : null,
    offset_earliest_ms: offset?.earliestMs ?? null,
    offset_latest_ms: offset?.latestMs ?? null,
    states_earliest: statesSeen?.earliest ?? null,
    states_latest: statesSeen?.latest ?? null,
    clock: readingIn(node.clock, observation),
    uptime_clock: readingIn(node.uptimeClock, observation),
    error: error === null ? null : error.slice(0, 1000),
  };
}

/** What is known of the clock, as clockOf reads it; null where this poll did not read it. */
function readingIn(clock: NodeClock | null, { finishedAt }: NodeObservation): string | null {
  if (clock?.asOf !== finishedAt) return null;
  const { offset, readingCount, since, before } = clock;
  const stepped = before === null ? [] : [before.earliest, before.latest];
  return JSON.stringify([offset.earliest, offset.latest, readingCount, since, ...stepped]);
}

function outcomeOf(list: Seen<unknown> | null): string | null {
  if (list === null) return null;
  return list.kind === 'seen' ? 'seen' : list.reason;
}

/** When the states of all VMs of the node were last told; null before the first time. */
export async function lastStatesSeen(db: Queryable, nodeId: number): Promise<Window | null> {
  const row = (await db('polls')
    .where({ node_id: nodeId })
    .whereNotNull('states_earliest')
    .orderBy('states_earliest', 'desc')
    .first()) as Row | undefined;
  return row === undefined ? null : windowOf(row, 'states');
}

/** True where the poll is in the ledger: its COMMIT took effect, though its answer was lost. */
export async function isPollWritten(db: Queryable, nodeId: number, observation: NodeObservation): Promise<boolean> {
  const { beganAt, finishedAt } = observation;
  const row = (await db('polls')
    .where({ node_id: nodeId, began_at: beganAt, finished_at: finishedAt })
    .first('id')) as unknown;
  return row !== undefined;
}

/** When polls of the cluster's nodes ended within (from, to), oldest first; of a longer time the newest 20,000 of them. */
export async function pollInstants(db: Queryable, clusterId: number, from: number, to: number): Promise<number[]> {
  const rows = (await db('polls')
    .whereIn('node_id', db('nodes').where({ cluster_id: clusterId }).select('id'))
    .where('began_at', '>', from)
    .where('began_at', '<', to)
    .orderBy('began_at', 'desc')
    .limit(20_000)
    .select('finished_at')) as { finished_at: number }[];
  return rows.map((row) => row.finished_at).reverse();
}
