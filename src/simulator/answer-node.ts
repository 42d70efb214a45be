import { ApiError, allowParameters, type AnswerContext } from './answer.js';
import { hostUptimeS } from './answer-guests.js';
import { wholeNumber } from './answer-tasks.js';
import { hasPrivilege } from './permissions.js';
import type { JournalEntry, Machine } from './machine.js';
import { countUpTo } from './timeline.js';
import { releases } from './versions.js';

function requireNode(context: AnswerContext, machine: Machine, privilege: string): void {
  if (hasPrivilege(context.caller, `/nodes/${machine.name}`, privilege)) return;
  throw new ApiError(403, `Permission check failed (/nodes/${machine.name}, ${privilege})`);
}

/** GET /version and /nodes/{node}/version. */
export function versionOf(context: AnswerContext, machine: Machine): Record<string, unknown> {
  allowParameters(context.query, []);
  const { version, release, repoid } = releases[machine.version];
  return { version, release, repoid };
}

/** GET /nodes/{node}/time: the node's own wall clock (Sys.Audit). */
export function nodeTime(context: AnswerContext, machine: Machine): Record<string, unknown> {
  allowParameters(context.query, []);
  requireNode(context, machine, 'Sys.Audit');
  const time = machine.clock.wallS(context.at);
  return { timezone: 'UTC', time, localtime: time };
}

/** GET /nodes/{node}/status (Sys.Audit): uptime is live. */
export function nodeStatus(context: AnswerContext, machine: Machine): Record<string, unknown> {
  allowParameters(context.query, []);
  requireNode(context, machine, 'Sys.Audit');
  const { version, repoid, kernel } = releases[machine.version];
  return {
    uptime: hostUptimeS(machine, context.at),
    pveversion: `pve-manager/${version}/${repoid}`,
    kversion: `Linux ${kernel} #1 SMP PREEMPT_DYNAMIC`,
    'current-kernel': { sysname: 'Linux', release: kernel, version: '#1 SMP PREEMPT_DYNAMIC', machine: 'x86_64' },
    'boot-info': { mode: 'efi', secureboot: 0 },
    cpu: 0.05,
    wait: 0.001,
    idle: 0,
    loadavg: ['0.42', '0.37', '0.31'],
    cpuinfo: {
      cpus: 32,
      cores: 16,
      sockets: 1,
      model: 'Simulated',
      mhz: '3000.000',
      hvm: '1',
      user_hz: 100,
      flags: 'vmx',
    },
    memory: { total: 137438953472, used: 34359738368, free: 103079215104, available: 103079215104 },
    swap: { total: 0, used: 0, free: 0 },
    ksm: { shared: 0 },
    rootfs: { total: 107374182400, used: 21474836480, free: 85899345920, avail: 85899345920 },
  };
}

/** GET /nodes/{node}/journal (Sys.Syslog): lines in the node's zone, without a year, between two cursors (proxmox-api.md 13). */
export function journal(context: AnswerContext, machine: Machine): unknown[] {
  const { query, at } = context;
  const isNew = machine.version === '9.2';
  allowParameters(query, [
    'since',
    'until',
    'lastentries',
    'startcursor',
    'endcursor',
    ...(isNew ? ['structured', 'unit', 'service'] : []),
  ]);
  requireNode(context, machine, 'Sys.Syslog');
  const sinceS = wholeNumber(query, 'since') ?? 0;
  const untilS = wholeNumber(query, 'until') ?? Number.MAX_SAFE_INTEGER;
  const isStructured = query['structured'] === '1';
  const rows: unknown[] = [];
  // Backwards, until well before the window even by a clock that was stepped.
  for (let index = countUpTo(machine.journalAts, at) - 1; index >= 0; index -= 1) {
    const entry = machine.journal[index] as JournalEntry;
    const stampS = machine.clock.wallS(entry.at);
    if (stampS < sinceS - 3600) break;
    if (stampS < sinceS || stampS > untilS) continue;
    if (query['service'] !== undefined && entry.identifier !== query['service']) continue;
    rows.push(isStructured ? structuredEntry(machine, entry) : journalLine(machine, entry));
  }
  rows.reverse();
  if (isStructured) return rows;
  const last = Math.min(untilS, machine.clock.wallS(at));
  return [`s=simulated;i=0;t=${sinceS}`, ...rows, `s=simulated;i=${rows.length};t=${last}`];
}

function structuredEntry(machine: Machine, { at, identifier, pid, message }: JournalEntry): Record<string, unknown> {
  return { timestamp: machine.clock.wallMs(at) * 1000, identifier, pid, message, priority: 6 };
}

function journalLine(machine: Machine, { at, identifier, pid, message }: JournalEntry): string {
  return `${syslogTime(machine.clock.wallS(at))} ${machine.name} ${identifier}[${pid}]: ${message}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function syslogTime(stampS: number): string {
  const date = new Date(stampS * 1000);
  return `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2, '0')} ${date.toISOString().slice(11, 19)}`;
}

/** GET /nodes/{node}/certificates/info: any caller. */
export function certificatesInfo(context: AnswerContext, machine: Machine): unknown[] {
  allowParameters(context.query, []);
  return context.certificates.certificatesOf(machine.name);
}
