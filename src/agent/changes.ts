import type { Exchange, GuestRow, GuestType } from '../core/observation.js';
import { samenessOf, type UptimeSample } from '../core/span.js';

/** What was last told of a guest, or is on its way to be told. */
export interface KnownGuest {
  type: GuestType;
  vmid: number;
  name: string | null;
  state: 'running' | 'stopped';
  /** When the last list that showed this state was asked for. */
  seenAt: number;
  pid: number | null;
  /** The sample that its process is known by (ledger rule 5). */
  sample: UptimeSample | null;
  /** When a list first left it out; null while it is listed. */
  absentAt: number | null;
}

/** One look at the node: both lists, each with its exchange; null where the type is not tracked. */
export interface Sight {
  lists: Readonly<Record<GuestType, Exchange | null>>;
  rows: readonly GuestRow[];
  /** The node's own uptime, which a container shows for an instant as its own (proxmox-api.md, trap 14). */
  nodeUptimeS: number | null;
}

/** A start or a stop to be told, and the guest as it is known afterwards. */
export interface Edge {
  kind: 'start' | 'stop';
  at: number;
  guest: KnownGuest;
  /** True where the guest is gone from the lists: a token that lost its permission looks the same. */
  isAbsence: boolean;
}

export interface Comparison {
  edges: Edge[];
  /** Guests about which nothing new is to be told, as this look left them. */
  seen: KnownGuest[];
  /** True where this look shows that all that was told still holds: a heartbeat says so. */
  isSure: boolean;
  /** False where a guest that runs is left out for the first time: a snapshot would call it gone. */
  isWhole: boolean;
  /** Stopped guests that two looks left out: nothing is known of them any more. */
  forgotten: KnownGuest[];
  /** True where a snapshot tells more than starts and stops: a stopped guest that is new, or another name. */
  isNews: boolean;
}

/** The manager takes no stamp that is 400 days old when it arrives (the HTTP contract); a report may wait for a month. */
const STAMP_AGE_MS = 370 * 24 * 3_600_000;

export function keyOf({ type, vmid }: Pick<KnownGuest, 'type' | 'vmid'>): string {
  return `${type}/${vmid}`;
}

/** What this look shows that was not known: stops before starts, each at the instant by which it had happened. */
export function compare(known: ReadonlyMap<string, KnownGuest>, sight: Sight): Comparison {
  const result: Comparison = { edges: [], seen: [], isSure: true, isWhole: true, forgotten: [], isNews: false };
  const listed = new Set<string>();
  for (const row of sight.rows) {
    const at = sight.lists[row.type];
    if (at === null) continue;
    listed.add(keyOf(row));
    take(result, known.get(keyOf(row)) ?? null, { row, at, nodeUptimeS: sight.nodeUptimeS });
  }
  for (const guest of known.values()) {
    const at = sight.lists[guest.type];
    if (at !== null && !listed.has(keyOf(guest))) takeAbsent(result, guest, at);
  }
  const rank = ({ kind }: Edge): number => (kind === 'stop' ? 0 : 1);
  result.edges.sort((a, b) => a.at - b.at || rank(a) - rank(b));
  return result;
}

/** What a row says of its guest: null where it proves neither. */
export type Told = { state: 'stopped' } | { state: 'running'; pid: number; sample: UptimeSample | null } | null;

export interface Listed {
  row: GuestRow;
  at: Exchange;
  nodeUptimeS: number | null;
}

/** A row as evidence: as for polls of the manager (ledger rules 7 and 16). */
export function toldBy({ row, at, nodeUptimeS }: Listed): Told {
  if (row.isTemplate || row.status === 'stopped' || row.qmpstatus === 'shutdown') return { state: 'stopped' };
  // Without pid or uptime it is starting or ending.
  if (row.pid === null || row.uptimeS === null || row.uptimeS === 0) return null;
  const isOfNode = row.type === 'lxc' && nodeUptimeS !== null && Math.abs(row.uptimeS - nodeUptimeS) <= 1;
  const sample = isOfNode ? null : { sentAt: at.sentAt, receivedAt: at.receivedAt, uptimeS: row.uptimeS };
  return { state: 'running', pid: row.pid, sample };
}

/** A process under a backup's or a migration's lock, whose own state does not say that it runs, may be none of the guest's. */
export function isUnsettled(row: GuestRow): boolean {
  return row.type === 'qemu' && (row.lock === 'backup' || row.lock === 'migrate') && row.qmpstatus !== 'running';
}

function take(result: Comparison, known: KnownGuest | null, listed: Listed): void {
  const { row, at } = listed;
  const told = toldBy(listed);
  if (known !== null && known.name !== row.name && !row.isTemplate) result.isNews = true;
  if (told === null) {
    takeUntold(result, known, row);
  } else if (told.state === 'stopped') {
    const guest = { ...guestOf(row, at), state: told.state, pid: null, sample: null };
    if (known?.state === 'running') result.edges.push({ kind: 'stop', at: at.receivedAt, guest, isAbsence: false });
    else if (known !== null || !row.isTemplate) result.seen.push(guest);
    if (known === null && !row.isTemplate) result.isNews = true;
  } else takeRunning(result, known, listed, told);
}

/** What was told of a guest that runs cannot be said to hold still. */
function takeUntold(result: Comparison, known: KnownGuest | null, row: GuestRow): void {
  if (known === null) return;
  if (known.state === 'running') result.isSure = false;
  result.seen.push({ ...known, name: row.name, absentAt: null });
}

function takeRunning(
  result: Comparison,
  known: KnownGuest | null,
  { row, at }: Listed,
  told: { pid: number; sample: UptimeSample | null },
): void {
  const guest: KnownGuest = { ...guestOf(row, at), state: 'running', ...told };
  if (known?.state === 'running') {
    const sameness = told.sample === null && known.pid === told.pid ? 'glitch' : samenessOrNew(known, guest);
    if (sameness !== 'new') {
      result.seen.push(sameness === 'same' ? guest : { ...guest, sample: known.sample });
      return;
    }
  }
  if (isUnsettled(row)) {
    takeUntold(result, known, row);
    return;
  }
  const startedAt = startOf(known, guest, at);
  if (known?.state === 'running') {
    // It ended and began again between two looks: it had ended when it began.
    const ended: KnownGuest = { ...guest, state: 'stopped', seenAt: known.seenAt, pid: null, sample: null };
    result.edges.push({ kind: 'stop', at: startedAt, guest: ended, isAbsence: false });
  }
  result.edges.push({ kind: 'start', at: startedAt, guest, isAbsence: false });
}

function samenessOrNew(known: KnownGuest, { pid, sample }: KnownGuest): ReturnType<typeof samenessOf> {
  return sample === null ? 'new' : samenessOf(known, pid, sample);
}

/**
 * By its uptime, unless the guest was seen otherwise since: a process that a backup started is older than the run (ledger rule
 * 16). Of one that has run for longer than a stamp may be old, the look; the snapshot that follows tells its uptime.
 */
function startOf(known: KnownGuest | null, { sample }: KnownGuest, at: Exchange): number {
  const byUptime = sample === null ? at.receivedAt : sample.receivedAt - sample.uptimeS * 1000;
  const isOlder = (known !== null && byUptime < known.seenAt) || at.receivedAt - byUptime > STAMP_AGE_MS;
  return isOlder ? at.receivedAt : byUptime;
}

/** One list may leave out a guest that is being moved; two that do are believed (ledger rule 18). */
function takeAbsent(result: Comparison, known: KnownGuest, at: Exchange): void {
  if (known.state === 'stopped') {
    if (known.absentAt === null) result.seen.push({ ...known, absentAt: at.receivedAt });
    else result.forgotten.push(known);
    return;
  }
  if (known.absentAt === null) {
    result.isSure = false;
    result.isWhole = false;
    result.seen.push({ ...known, absentAt: at.receivedAt });
    return;
  }
  const guest: KnownGuest = { ...known, state: 'stopped', pid: null, sample: null };
  result.edges.push({ kind: 'stop', at: known.absentAt, guest, isAbsence: true });
}

function guestOf(
  { type, vmid, name }: GuestRow,
  at: Exchange,
): Pick<KnownGuest, 'type' | 'vmid' | 'name' | 'seenAt' | 'absentAt'> {
  return { type, vmid, name, seenAt: at.sentAt, absentAt: null };
}
