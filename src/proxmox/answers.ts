import type { GuestRow, GuestType, NodeStatus, ResourceRow, TaskRow } from '../core/observation.js';
import type { Log } from '../log.js';
import {
  AMOUNT,
  FLAG,
  flagOf,
  NAME,
  numberOf,
  reader,
  rowsOf,
  TEXT,
  textOf,
  WHOLE,
  wholeOf,
  type RawFlag,
  type RawNumber,
  type RawText,
} from './schema.js';
import { parseUpid } from './upid.js';

interface RawGuest {
  vmid: number | string;
  status: 'running' | 'stopped';
  name?: RawText;
  pid?: RawNumber;
  uptime?: RawNumber;
  cpus?: RawNumber;
  maxmem?: RawNumber;
  lock?: RawText;
  tags?: RawText;
  template?: RawFlag;
}

const VMID = { ...WHOLE, minimum: 1 };
const SHOWN = { name: TEXT, maxmem: AMOUNT, lock: TEXT, tags: TEXT, template: FLAG };

const readGuests = reader<RawGuest[]>(
  rowsOf(
    { ...SHOWN, vmid: VMID, status: { enum: ['running', 'stopped'] }, pid: AMOUNT, uptime: AMOUNT, cpus: AMOUNT },
    ['vmid', 'status'],
  ),
);

/**
 * The rows of GET /nodes/{node}/qemu or /lxc. Throws `bad_answer` when a row lacks vmid or has another status than running or
 * stopped, which are the only two that `vmstatus` yields (PVE/QemuServer.pm, PVE/LXC.pm).
 */
export function guestRows(type: GuestType, data: unknown, request: string): GuestRow[] {
  return readGuests(data, request).map((raw) => {
    const isRunning = raw.status === 'running';
    return {
      type,
      vmid: Number(raw.vmid),
      name: textOf(raw.name),
      status: raw.status,
      // A container that starts or ends has no pid, and Perl may write that as 0.
      pid: isRunning ? wholeOf(raw.pid) || null : null,
      uptimeS: isRunning ? wholeOf(raw.uptime) : null,
      cores: numberOf(raw.cpus),
      memoryBytes: wholeOf(raw.maxmem),
      lock: textOf(raw.lock),
      qmpstatus: null,
      tags: textOf(raw.tags),
      isTemplate: flagOf(raw.template),
    };
  });
}

const readCurrent = reader<{ qmpstatus?: RawText; pid?: RawNumber }>({
  type: 'object',
  properties: { qmpstatus: TEXT, pid: AMOUNT },
});

/** QEMU's own state and the process it is of, from GET /nodes/{node}/qemu/{vmid}/status/current. */
export function currentStatus(data: unknown, request: string): { qmpstatus: string | null; pid: number | null } {
  const raw = readCurrent(data, request);
  return { qmpstatus: textOf(raw.qmpstatus), pid: wholeOf(raw.pid) };
}

interface RawTask {
  upid: string;
  endtime?: RawNumber;
  status?: RawText;
}

const readTasks = reader<RawTask[]>(rowsOf({ upid: NAME, endtime: AMOUNT, status: TEXT }, ['upid']));

/** Rows of GET /nodes/{node}/tasks in their order, null for a row whose UPID says nothing to us (logged at debug). */
export function taskRows(data: unknown, request: string, log: Log): (TaskRow | null)[] {
  return readTasks(data, request).map((raw) => {
    const upid = parseUpid(raw.upid);
    if (upid === null) {
      log.debug('a task is skipped: its UPID cannot be read', { upid: raw.upid.slice(0, 200) });
      return null;
    }
    // Only the end tells a finished row: the status of a running one is "RUNNING" (source active and all).
    const endTimeS = wholeOf(raw.endtime);
    return {
      upid: raw.upid,
      node: upid.node,
      pid: upid.pid,
      pstart: upid.pstart,
      startTimeS: upid.startTimeS,
      type: upid.type,
      id: upid.id,
      user: upid.user,
      endTimeS,
      // As Proxmox names a task whose log has no last line: it proves nothing (ledger rule 11).
      status: endTimeS === null ? null : (textOf(raw.status) ?? 'unexpected status'),
    };
  });
}

interface RawResource {
  type: string;
  vmid?: number | string;
  node?: string;
  status?: RawText;
  name?: RawText;
  pool?: RawText;
  lock?: RawText;
  tags?: RawText;
  uptime?: RawNumber;
  maxcpu?: RawNumber;
  maxmem?: RawNumber;
  template?: RawFlag;
}

const readResources = reader<RawResource[]>({
  type: 'array',
  items: {
    type: 'object',
    properties: { ...SHOWN, type: NAME, status: TEXT, pool: TEXT, uptime: AMOUNT, maxcpu: AMOUNT },
    required: ['type'],
    if: { properties: { type: { enum: ['qemu', 'lxc'] } } },
    then: { properties: { vmid: VMID, node: NAME }, required: ['vmid', 'node'] },
  },
});

/** The guests among the rows of GET /cluster/resources; a row without status is `unknown` (its node's data expired). */
export function resourceRows(data: unknown, request: string): ResourceRow[] {
  return readResources(data, request).flatMap((raw) => {
    if ((raw.type !== 'qemu' && raw.type !== 'lxc') || raw.node === undefined) return [];
    return [
      {
        type: raw.type,
        vmid: Number(raw.vmid),
        node: raw.node,
        status: textOf(raw.status) ?? 'unknown',
        uptimeS: wholeOf(raw.uptime),
        name: textOf(raw.name),
        pool: textOf(raw.pool),
        lock: textOf(raw.lock),
        tags: textOf(raw.tags),
        cores: numberOf(raw.maxcpu),
        memoryBytes: wholeOf(raw.maxmem),
        isTemplate: flagOf(raw.template),
      },
    ];
  });
}

const readStatus = reader<{ uptime: number | string; pveversion?: RawText }>({
  type: 'object',
  properties: { uptime: WHOLE, pveversion: TEXT },
  required: ['uptime'],
});

/** GET /nodes/{node}/status: whole seconds of uptime, and the version out of "pve-manager/9.2.3/0123abcd". */
export function nodeStatus(data: unknown, request: string): NodeStatus {
  const raw = readStatus(data, request);
  const version = textOf(raw.pveversion);
  return { uptimeS: Number(raw.uptime), version: version === null ? null : (version.split('/')[1] ?? version) };
}

const readTime = reader<{ time: number | string }>({ type: 'object', properties: { time: WHOLE }, required: ['time'] });

/** GET /nodes/{node}/time: the node's clock in whole seconds, floored. */
export function nodeTimeS(data: unknown, request: string): number {
  return Number(readTime(data, request).time);
}
