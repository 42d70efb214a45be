import { CLOCK_RATE_ERROR, hasStepped, readClock, type NodeClock } from './node-clock.js';
import type { Exchange, GuestType, NodeObservation, NotSeenReason, Seen, TaskRow } from './observation.js';
import type { Task, TaskOutcome } from './task.js';
import { taskInstants } from './task-instants.js';
import { intersect, widen, type Window } from './window.js';

/** What memory holds of one node. */
export interface NodeState {
  id: number;
  /** Its name in Proxmox. */
  node: string;
  clock: NodeClock | null;
  /** When it booted as its uptime says now, a reading of the clock that no step moves (CLOCK_BOOTTIME). */
  uptimeClock: NodeClock | null;
  /** Its boots, oldest first, as far as we know them. */
  boots: Window[];
  /** The last good list of each type. */
  lastSeen: Record<GuestType, Exchange | null>;
  /** When the states of all VMs that ran on it were last told; null before the first time. */
  statesSeen: Window | null;
  lastPollFinishedAt: number | null;
  /** The last contact of a push agent that reports this node; absent where none does. */
  contactAt?: number | null;
  /** When a person ended its tracking, or the machine booted that was installed anew under its name; absent while it is tracked. */
  removedAt?: number | null;
  /** True where it was installed anew: nothing that ran on it outlived that. */
  isReinstalled?: boolean;
  coverageSince: number | null;
  /** Tasks that concern every guest of the node. */
  tasks: Task[];
  /** The gap that is open, if one is. */
  gap: { startedAt: number; reason: NotSeenReason } | null;
}

/** A node that was never polled. */
export function newNodeState(id: number, node: string): NodeState {
  return {
    id,
    node,
    clock: null,
    uptimeClock: null,
    boots: [],
    lastSeen: { qemu: null, lxc: null },
    statesSeen: null,
    lastPollFinishedAt: null,
    coverageSince: null,
    tasks: [],
    gap: null,
  };
}

/** The node's clock and boots after one poll, before its tasks and samples are read (the order of ledger.md, "The method"). */
export function withClockAndBoot(node: NodeState, observation: NodeObservation): NodeState {
  const clock =
    observation.offset === null ? node.clock : readClock(node.clock, observation.offset, observation.finishedAt);
  const boot = bootByStatus(observation);
  const uptimeClock =
    boot === null
      ? node.uptimeClock
      : readClock(
          node.uptimeClock,
          { earliestMs: boot.now.earliest, latestMs: boot.now.latest },
          observation.finishedAt,
        );
  return { ...node, clock, uptimeClock, boots: bootsWith(node.boots, boot?.then ?? null) };
}

/** True when this poll showed that the node's clock was set. */
export function clockStepped(before: NodeState, after: NodeState): boolean {
  return after.clock !== null && before.clock !== after.clock && hasStepped(before.clock, after.clock);
}

/** The node's boot on our clock: (sent - uptime - 1 s, received - uptime], as for a process (ledger rule 7); `now` without, `then` with the drift since. */
export function bootByStatus(observation: NodeObservation): { now: Window; then: Window } | null {
  const { status } = observation;
  if (status?.kind !== 'seen') return null;
  const uptimeMs = status.value.uptimeS * 1000;
  const now = { earliest: status.sentAt - uptimeMs - 1000, latest: status.receivedAt - uptimeMs };
  return { now, then: widen(now, Math.ceil(uptimeMs * CLOCK_RATE_ERROR)) };
}

/** A boot that the log tells: a UPID's pstart counts ticks of 10 ms since it (proxmox-api.md, section 1.4). */
export function bootByTask(start: Window, pstart: number): Window {
  const sinceMs = pstart * 10;
  // The stamp is taken just before the fork, pstart just after; clocks may have been set between boot and task.
  const slackMs = 1000 + Math.ceil(sinceMs * CLOCK_RATE_ERROR);
  return { earliest: start.earliest - sinceMs - slackMs, latest: start.latest - sinceMs + slackMs };
}

/** The boots with one more reading: the same boot is narrowed, another one is put in its place in time. */
export function bootsWith(boots: readonly Window[], reading: Window | null): Window[] {
  if (reading === null) return [...boots];
  const k = boots.findIndex((boot) => intersect(widen(boot, 2000), reading) !== null);
  const known = boots[k];
  if (known === undefined) return [...boots, reading].sort((a, b) => a.earliest - b.earliest);
  return boots.with(k, intersect(known, reading) ?? known);
}

/** A row of the log as a fact on our clock; stamps are converted by the offset known at this poll (ledger rule 11). */
export function taskFrom(row: TaskRow, node: NodeState, clock: NodeClock, earlier: NodeClock | null): Task {
  const { start, end } = taskInstants(row, node.uptimeClock, clock, earlier);
  return {
    upid: row.upid,
    nodeId: node.id,
    type: row.type,
    vmid: /^\d+$/.test(row.id) ? Number(row.id) : null,
    user: row.user,
    outcome: outcomeOf(row),
    start,
    end,
    raw: { startS: row.startTimeS, endS: row.endTimeS, pstart: row.pstart },
  };
}

/** OK and WARNINGS succeeded; `unexpected status` tells nothing (pve-common, PVE/UPID.pm read_status). */
function outcomeOf(row: TaskRow): TaskOutcome {
  if (row.endTimeS === null || row.status === null) return 'running';
  if (row.status === 'OK' || /^WARNINGS: \d+$/.test(row.status)) return 'ok';
  return row.status === 'unexpected status' ? 'unknown' : 'failed';
}

/** Why the node was not wholly seen in this poll, or null where every tracked list was. */
export function notSeenReason(observation: NodeObservation): { reason: NotSeenReason; detail: string } | null {
  const lists: (Seen<unknown> | null)[] = [observation.qemu, observation.lxc];
  for (const list of lists) {
    if (list?.kind === 'not_seen') return { reason: list.reason, detail: list.detail };
  }
  return null;
}
