import type { Context } from 'koa';
import { parseInstant } from '../../../core/calendar.js';
import type { AgentCall, AgentWord, SnapshotRow } from '../../../core/ingest.js';
import { unprocessable } from '../../errors.js';
import { bodyReader, vmidOf, type BodySchema } from '../../validate.js';

type Shape = Record<string, unknown>;

const name = { type: 'string', minLength: 1, maxLength: 255 };
const optionalName = { type: ['string', 'null'], maxLength: 255 };
const instant = { type: ['string', 'null'], anyOf: [{ type: 'null' }, { const: '' }, { format: 'instant' }] };
const vmId = { anyOf: [{ type: 'string', maxLength: 64 }, { type: 'integer' }] };
const guestType = { enum: ['qemu', 'lxc', null, ''] };
const count = { type: ['number', 'null'], minimum: 0 };
/** What every call of an agent may carry beside its own fields. */
const common = { node: name, event_id: optionalName, sent_at: instant };

const registerSchema = { type: 'object', required: ['name'], properties: { ...common, name, hostname: optionalName } };
const startSchema = {
  type: 'object',
  required: ['node', 'vm_id'],
  properties: { ...common, vm_id: vmId, vm_name: optionalName, vm_type: guestType, start_time: instant },
};
const stopSchema = {
  type: 'object',
  required: ['node', 'vm_id'],
  properties: { ...common, vm_id: vmId, stop_time: instant },
};
const rowSchema = {
  type: 'object',
  required: ['vm_id', 'status'],
  properties: {
    vm_id: vmId,
    vm_type: guestType,
    name: optionalName,
    status: { enum: ['running', 'stopped', 'paused', 'unknown'] },
    uptime: count,
    maxmem: count,
  },
};
const statesSchema = {
  type: 'object',
  required: ['node', 'vms'],
  properties: { ...common, timestamp: instant, vms: { type: 'array', items: rowSchema } },
};
const heartbeatSchema = { type: 'object', required: ['node'], properties: { ...common, timestamp: instant } };

const readers = {
  register: readerOf(registerSchema),
  'vm-start': readerOf(startSchema),
  'vm-stop': readerOf(stopSchema),
  'vm-states': readerOf(statesSchema),
  heartbeat: readerOf(heartbeatSchema),
};

/** The calls of an agent, as their paths name them. */
export type CallName = keyof typeof readers;

/** A reader of the call's body (wire-contract.md, "Ingest"): throws 422 with the field's path where a value does not fit. */
export function callReader(call: CallName): (ctx: Context, arrivedAt: number, timeZone: string) => AgentCall {
  const read = readers[call];
  return (ctx, arrivedAt, timeZone) => {
    const body = read(ctx);
    const at = (field: string): number | null => instantOf(body[field], timeZone);
    return {
      node: textOf(body['node']) ?? textOf(body['name']) ?? '',
      eventId: textOf(body['event_id']),
      sentAt: at('sent_at'),
      stampAt: at('start_time') ?? at('stop_time') ?? at('timestamp'),
      arrivedAt,
      word: wordOf(call, body),
    };
  };
}

function wordOf(call: CallName, body: Shape): AgentWord {
  switch (call) {
    case 'register':
      return { kind: 'register', hostname: textOf(body['hostname']) };
    case 'heartbeat':
      return { kind: 'heartbeat' };
    case 'vm-start': {
      const type = body['vm_type'] === 'lxc' ? 'lxc' : 'qemu';
      return { kind: 'start', vmid: checkedVmid(body['vm_id'], '/vm_id'), type, name: textOf(body['vm_name']) };
    }
    case 'vm-stop':
      return { kind: 'stop', vmid: checkedVmid(body['vm_id'], '/vm_id') };
    case 'vm-states':
      return { kind: 'states', rows: (body['vms'] as Shape[]).map(rowOf) };
  }
}

function rowOf(row: Shape, k: number): SnapshotRow {
  return {
    type: row['vm_type'] === 'lxc' ? 'lxc' : 'qemu',
    vmid: checkedVmid(row['vm_id'], `/vms/${k}/vm_id`),
    name: textOf(row['name']),
    status: row['status'] as SnapshotRow['status'],
    uptimeS: typeof row['uptime'] === 'number' ? Math.floor(row['uptime']) : null,
    maxMemoryBytes: typeof row['maxmem'] === 'number' ? row['maxmem'] : null,
  };
}

function checkedVmid(value: unknown, path: string): number {
  const vmid = vmidOf(String(value));
  if (vmid < 0) throw unprocessable([{ path, message: 'must be a VMID, a whole number from 1' }]);
  return vmid;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function instantOf(value: unknown, timeZone: string): number | null {
  const text = textOf(value);
  return text === null ? null : parseInstant(text, timeZone);
}

function readerOf(schema: object): (ctx: Context) => Shape {
  return bodyReader<Shape>(schema as BodySchema<Shape>);
}
