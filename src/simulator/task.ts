import type { Machine } from './machine.js';
import type { SimulatedTask } from './task-log.js';

/** A task that begins at `at` on a node: its UPID holds the node's wall clock and the ticks since its boot (PVE/UPID.pm). */
export function newTask(
  machine: Machine,
  at: number,
  pid: number,
  type: string,
  id: string,
  userWithToken: string,
): SimulatedTask {
  const pstart = machine.clock.ticks(machine.boot?.bootedAt ?? at, at);
  const startTimeS = machine.clock.wallS(at);
  const upid = `UPID:${machine.name}:${hex8(pid)}:${hex8(pstart)}:${hex8(startTimeS)}:${type}:${id}:${userWithToken}:`;
  const [user = userWithToken, tokenName] = userWithToken.split('!');
  const common = { upid, node: machine.name, pid, pstart, starttime: startTimeS, type, id };
  return {
    upid,
    node: machine.name,
    pid,
    pstart,
    startTimeS,
    type,
    id,
    user,
    tokenName: tokenName ?? null,
    startAt: at,
    doneAt: null,
    status: null,
    noticedAt: null,
    endTimeS: null,
    lines: [],
    // Only the index splits the token off (proxmox-api.md 1.1).
    runningRow: { ...common, user: userWithToken, status: 'RUNNING', saved: 0 },
    finishedRow: { ...common, user, ...(tokenName === undefined ? {} : { tokenid: tokenName }) },
  };
}

/** The status in the sense of `statusfilter` (PVE/UPID.pm). */
export function statusKind(status: string | null): 'ok' | 'warning' | 'error' | 'unknown' {
  if (status === null) return 'unknown';
  if (status === 'OK') return 'ok';
  return /^WARNINGS: \d+$/.test(status) ? 'warning' : status === 'unexpected status' ? 'unknown' : 'error';
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
