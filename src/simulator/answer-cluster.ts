import { ApiError, allowParameters, isReachable, type AnswerContext } from './answer.js';
import { hostUptimeS, listStatus, loadOf, uptimeS } from './answer-guests.js';
import { hasPrivilege } from './permissions.js';
import type { GuestLife, GuestState } from './life.js';
import type { Machine } from './machine.js';

/** GET /cluster/status (Sys.Audit on /): the cluster's row is missing on a standalone node. All members share one address here. */
export function clusterStatus(context: AnswerContext): unknown[] {
  allowParameters(context.query, []);
  if (!hasPrivilege(context.caller, '/', 'Sys.Audit'))
    throw new ApiError(403, 'Permission check failed (/, Sys.Audit)');
  const members = membersOf(context);
  const rows: unknown[] = members.map((machine) => ({
    type: 'node',
    id: `node/${machine.name}`,
    name: machine.name,
    nodeid: machine.nodeId,
    ip: '127.0.0.1',
    local: machine === context.entry ? 1 : 0,
    online: isReachable(context, machine) ? 1 : 0,
    level: '',
  }));
  if (context.entry.isStandalone) return rows;
  const online = members.filter((machine) => isReachable(context, machine)).length;
  const { cluster: name } = context.entry;
  const quorate = online * 2 > members.length ? 1 : 0;
  return [{ type: 'cluster', id: 'cluster', name, nodes: members.length, version: members.length, quorate }, ...rows];
}

/** GET /nodes: any caller; numbers only with Sys.Audit on the node. */
export function nodeList(context: AnswerContext): unknown[] {
  allowParameters(context.query, []);
  return membersOf(context).map((machine) => nodeRow(context, machine));
}

function nodeRow(context: AnswerContext, machine: Machine): Record<string, unknown> {
  const isOnline = isReachable(context, machine);
  const row: Record<string, unknown> = {
    node: machine.name,
    id: `node/${machine.name}`,
    type: 'node',
    status: isOnline ? 'online' : 'offline',
    level: '',
    ssl_fingerprint: context.certificates.fingerprintOf(machine.name),
  };
  if (!isOnline || !hasPrivilege(context.caller, `/nodes/${machine.name}`, 'Sys.Audit')) return row;
  const round = machine.lastBroadcastAt(context.at) ?? context.at;
  return {
    ...row,
    uptime: hostUptimeS(machine, round),
    cpu: 0.05,
    maxcpu: 32,
    mem: 34359738368,
    maxmem: 137438953472,
    disk: 21474836480,
    maxdisk: 107374182400,
  };
}

/** GET /cluster/resources: what the last broadcasts said of guests, with lock, tags and place as the configs are now. */
export function resources(context: AnswerContext): unknown[] {
  allowParameters(context.query, ['type']);
  const type = context.query['type'];
  if (type !== undefined && !['vm', 'node', 'storage', 'sdn'].includes(type)) {
    throw new ApiError(400, 'Parameter verification failed.', {
      type: `value '${type}' does not have a value in the enumeration`,
    });
  }
  const rows: unknown[] = [];
  if (type === undefined || type === 'vm') rows.push(...guestResources(context));
  if (type === undefined || type === 'node') {
    for (const machine of membersOf(context)) rows.push(nodeRow(context, machine));
  }
  return rows;
}

function guestResources(context: AnswerContext): unknown[] {
  const { engine, at, entry, caller } = context;
  const rows: unknown[] = [];
  for (const life of engine.rosters.get(entry.cluster)?.at(at) ?? []) {
    const state = life.states.at(at);
    if (state === undefined) continue;
    const { pool, tags } = state.settings;
    if (!hasPrivilege(caller, `/vms/${life.vmid}`, 'VM.Audit', pool)) continue;
    const row: Record<string, unknown> = {
      id: `${life.type}/${life.vmid}`,
      type: life.type,
      vmid: life.vmid,
      node: state.machine.name,
      ...broadcastOf(context, life, state),
    };
    if (state.lock !== null) row['lock'] = state.lock;
    if (tags !== null) row['tags'] = tags;
    if (pool !== null && hasPrivilege(caller, `/pool/${pool}`, 'Pool.Audit')) row['pool'] = pool;
    if (state.settings.isHa) row['hastate'] = 'started';
    rows.push(row);
  }
  return rows;
}

/** The stats of the newest broadcast by any node that then had the guest: after a migration they are the source's for a while (trap 8). */
function broadcastOf(context: AnswerContext, life: GuestLife, now: GuestState): Record<string, unknown> {
  const { at, engine } = context;
  let newest: { round: number; state: GuestState } | null = null;
  const candidates = [now.machine, ...[...engine.machines.values()].filter((machine) => machine !== now.machine)];
  for (const machine of candidates) {
    if (machine.cluster !== life.cluster) continue;
    const round = machine.lastBroadcastAt(at);
    if (round === null) continue;
    const state = life.states.at(round);
    if (state === undefined || state.machine !== machine) continue;
    if (newest === null || round > newest.round) newest = { round, state };
    if (machine === now.machine) break;
  }
  if (newest === null) return { status: 'unknown' };
  const { round, state } = newest;
  const { settings } = state;
  const status = life.type === 'qemu' ? state.qmpStatus : listStatus(life, state);
  return {
    status,
    uptime: uptimeS(state, round),
    name: settings.name,
    template: settings.isTemplate ? 1 : 0,
    maxcpu: settings.cores,
    maxmem: settings.memoryBytes,
    maxdisk: 34359738368,
    disk: 0,
    ...loadOf(life, state, round),
  };
}

/** The nodes of the entry node's cluster. */
export function membersOf(context: AnswerContext): Machine[] {
  return [...context.engine.machines.values()].filter((machine) => machine.cluster === context.entry.cluster);
}
