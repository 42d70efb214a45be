import { ApiError, allowParameters, type AnswerContext } from './answer.js';
import { hashOf } from './random.js';
import { hasPrivilege } from './permissions.js';
import type { GuestLife, GuestState } from './life.js';
import type { Machine } from './machine.js';
import type { GuestType } from './scenario.js';

/** Whole seconds that a process has run, floored from ticks of 10 ms (proxmox-api.md 3.1). */
export function uptimeS(state: GuestState, at: number): number {
  const { process } = state;
  if (process === null) return 0;
  const { clock } = process.machine;
  return Math.floor((clock.ticks(process.bootedAt, at) - clock.ticks(process.bootedAt, process.startedAt)) / 100);
}

/** What a list calls it: of a VM whether there is a process, of a container whether its monitor is up. */
export function listStatus(life: GuestLife, state: GuestState): 'running' | 'stopped' {
  return state.process !== null || (life.type === 'lxc' && state.isMonitorUp) ? 'running' : 'stopped';
}

/** GET /nodes/{node}/qemu and /lxc: those that the caller may audit, live. */
export function guestList(context: AnswerContext, machine: Machine, type: GuestType): unknown[] {
  const { at, query } = context;
  allowParameters(query, type === 'qemu' ? ['full'] : []);
  const isFull = query['full'] === '1';
  const rows: unknown[] = [];
  for (const life of machine.roster.at(at) ?? []) {
    if (life.type !== type) continue;
    const state = life.states.at(at);
    if (state === undefined) continue;
    if (!hasPrivilege(context.caller, `/vms/${life.vmid}`, 'VM.Audit', state.settings.pool)) continue;
    rows.push(guestRow(context, machine, life, state, isFull));
  }
  refuseVanished(context, machine, type);
  return rows;
}

/** One config that vanishes in mid-answer spoils the whole list (trap 35). */
function refuseVanished(context: AnswerContext, machine: Machine, type: GuestType): void {
  if (type !== 'qemu') return;
  for (const { fault } of context.faults) {
    if (fault.kind !== 'config_vanished') continue;
    throw new ApiError(500, `Configuration file 'nodes/${machine.name}/qemu-server/${fault.vmid}.conf' does not exist`);
  }
}

function guestRow(
  context: AnswerContext,
  machine: Machine,
  life: GuestLife,
  state: GuestState,
  isFull: boolean,
): Record<string, unknown> {
  const { at } = context;
  const { settings, process, lock, qmpStatus } = state;
  const load = loadOf(life, state, at);
  const row: Record<string, unknown> = {
    vmid: life.vmid,
    name: settings.name,
    status: listStatus(life, state),
    uptime: uptimeS(state, at),
    cpus: settings.cores,
    maxmem: settings.memoryBytes,
    maxdisk: 34359738368,
    disk: life.type === 'lxc' && process !== null ? 1610612736 : 0,
    ...load,
  };
  if (process !== null) row['pid'] = process.pid;
  if (lock !== null) row['lock'] = lock;
  if (settings.tags !== null) row['tags'] = settings.tags;
  if (settings.isTemplate) row['template'] = 1;
  if (life.type === 'lxc') {
    row['type'] = 'lxc';
    row['maxswap'] = 536870912;
    row['swap'] = 0;
    if (process !== null && hasHostUptime(context, life.vmid)) row['uptime'] = hostUptimeS(machine, at);
  } else if (isFull) row['qmpstatus'] = qmpStatus;
  return row;
}

/** Counters of the process: they begin anew with it. */
export function loadOf(life: GuestLife, state: GuestState, at: number): Record<string, number> {
  const { process, settings } = state;
  if (process === null) return { cpu: 0, mem: 0, netin: 0, netout: 0, diskread: 0, diskwrite: 0 };
  const ranS = Math.max(0, Math.floor((at - process.startedAt) / 1000));
  const share = ((life.vmid * 37 + Math.floor(at / 10_000)) % 50) / 1000;
  return {
    cpu: share,
    mem: Math.floor(settings.memoryBytes * (0.4 + share)),
    netin: ranS * 1500,
    netout: ranS * 400,
    diskread: ranS * 900,
    diskwrite: ranS * 700,
  };
}

function hasHostUptime(context: AnswerContext, vmid: number): boolean {
  return context.faults.some(({ fault }) => fault.kind === 'host_uptime' && fault.vmid === vmid);
}

/** Whole seconds since the node's kernel started. */
export function hostUptimeS(machine: Machine, at: number): number {
  const boot = machine.power.at(at);
  return boot === null || boot === undefined ? 0 : Math.floor(machine.clock.ticks(boot.bootedAt, at) / 100);
}

/** The guest whose config lies on this node at `at`, or a 500 as Proxmox gives. */
export function guestOn(
  context: AnswerContext,
  machine: Machine,
  type: GuestType,
  vmid: number,
): { life: GuestLife; state: GuestState } {
  const life = (machine.roster.at(context.at) ?? []).find((guest) => guest.vmid === vmid && guest.type === type);
  const state = life?.states.at(context.at);
  if (life === undefined || state === undefined) {
    const folder = type === 'qemu' ? 'qemu-server' : 'lxc';
    throw new ApiError(500, `Configuration file 'nodes/${machine.name}/${folder}/${vmid}.conf' does not exist`);
  }
  return { life, state };
}

/** GET .../config. A container has neither uuid nor ctime (proxmox-api.md 4). */
export function guestConfig(
  context: AnswerContext,
  machine: Machine,
  type: GuestType,
  vmid: number,
): Record<string, unknown> {
  allowParameters(context.query, ['current', 'snapshot']);
  requireVm(context, machine, type, vmid, 'VM.Audit');
  const { life, state } = guestOn(context, machine, type, vmid);
  const { settings, lock } = state;
  const common = {
    digest: hashOf(JSON.stringify(settings), lock ?? '')
      .toString(16)
      .padStart(8, '0')
      .repeat(5),
    cores: settings.cores,
    memory: Math.round(settings.memoryBytes / 1048576),
    onboot: settings.isOnBoot ? 1 : 0,
    ...(lock === null ? {} : { lock }),
    ...(settings.tags === null ? {} : { tags: settings.tags }),
    ...(settings.isTemplate ? { template: 1 } : {}),
  };
  if (type === 'lxc') {
    return {
      ...common,
      hostname: settings.name,
      arch: 'amd64',
      ostype: 'debian',
      swap: 512,
      rootfs: `${settings.rootfs},size=32G`,
      net0: `name=eth0,bridge=vmbr0,firewall=1,hwaddr=${settings.hwaddr},ip=dhcp,type=veth`,
    };
  }
  return {
    ...common,
    // Options of VMs are strings where the format allows more than a number (9.x: memory, see the schema).
    memory: machine.version === '7.4' ? common.memory : String(common.memory),
    name: settings.name,
    ostype: 'l26',
    sockets: 1,
    boot: 'order=scsi0',
    scsi0: `${settings.rootfs},size=32G`,
    net0: `virtio=${settings.hwaddr},bridge=vmbr0`,
    meta: `creation-qemu=9.0.2,ctime=${settings.createdTimeS}`,
    vmgenid: `${life.vmid}`.padStart(8, '0') + '-0000-4000-a000-000000000000',
    ...(settings.uuid === null ? {} : { smbios1: `uuid=${settings.uuid}` }),
  };
}

/** GET .../status/current: like a row of a full list, with the HA state. */
export function guestCurrent(
  context: AnswerContext,
  machine: Machine,
  type: GuestType,
  vmid: number,
): Record<string, unknown> {
  allowParameters(context.query, []);
  requireVm(context, machine, type, vmid, 'VM.Audit');
  const { life, state } = guestOn(context, machine, type, vmid);
  const ha = state.settings.isHa ? { managed: 1, state: 'started' } : { managed: 0 };
  return { ...guestRow(context, machine, life, state, true), ha };
}

/** Throws the 403 of a checked call. */
export function requireVm(
  context: AnswerContext,
  machine: Machine,
  type: GuestType,
  vmid: number,
  privilege: string,
): void {
  const life = (machine.roster.at(context.at) ?? []).find((guest) => guest.vmid === vmid && guest.type === type);
  const pool = life?.states.at(context.at)?.settings.pool ?? null;
  if (hasPrivilege(context.caller, `/vms/${vmid}`, privilege, pool)) return;
  throw new ApiError(403, `Permission check failed (/vms/${vmid}, ${privilege})`);
}
