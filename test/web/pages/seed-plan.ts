import type { EndReason, Evidence } from '../../../src/core/evidence.js';

/** The believable site of the page tests and screenshots: who is where, and how each kind of guest runs. */

export const seedNow = Date.UTC(2026, 10, 24, 9, 7, 42);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const seedNodes = [
  { name: 'pve-01', cluster: 'lab', health: 'online', offsetMs: 12, bootDaysAgo: 61, error: null },
  { name: 'pve-02', cluster: 'lab', health: 'online', offsetMs: -340, bootDaysAgo: 61, error: null },
  { name: 'pve-03', cluster: 'lab', health: 'online', offsetMs: 4, bootDaysAgo: 9, error: null },
  {
    name: 'pve-04',
    cluster: 'lab',
    health: 'unreachable',
    offsetMs: 71,
    bootDaysAgo: 61,
    error: 'connection refused by 10.0.0.14:8006',
  },
  { name: 'edge-01', cluster: 'edge-01', health: 'online', offsetMs: 1840, bootDaysAgo: 118, error: null },
  {
    name: 'backup-01',
    cluster: 'backup-01',
    health: 'partial',
    offsetMs: -9,
    bootDaysAgo: 30,
    error: 'the token lacks Sys.Audit on /nodes/backup-01',
  },
] as const;

export type SeedNodeName = (typeof seedNodes)[number]['name'];

export interface SeedEdge {
  at: number;
  /** How far before and after `at` the truth may lie; no `before` is a log that does not reach back. */
  before: number | null;
  after: number;
  evidence: Evidence;
  task: string | null;
  user: string;
}

export interface SeedSession {
  start: SeedEdge;
  end: SeedEdge | null;
  reason: EndReason | null;
  /** Where it ran: a later entry is a move. */
  path: { node: SeedNodeName; from: number }[];
}

export type SeedPattern =
  'steady' | 'office' | 'batch' | 'moved' | 'rebooted' | 'stopped' | 'nightly' | 'crashed' | 'edge';

export interface SeedGuest {
  vmid: number;
  name: string | null;
  type: 'qemu' | 'lxc';
  node: SeedNodeName;
  pattern: SeedPattern;
  tags: string;
  pool: string | null;
}

const named: [number, string | null, 'qemu' | 'lxc', SeedNodeName, SeedPattern, string][] = [
  [104, 'vGPU-1', 'qemu', 'pve-01', 'office', 'gpu'],
  [105, 'web-01', 'qemu', 'pve-01', 'steady', 'web'],
  [106, 'web-02', 'qemu', 'pve-02', 'moved', 'web'],
  [107, 'vGPU-2', 'qemu', 'pve-03', 'nightly', 'gpu'],
  [108, 'db-primary', 'qemu', 'pve-02', 'steady', 'db'],
  [109, 'mail', 'lxc', 'pve-01', 'rebooted', ''],
  [110, 'ci-runner-3', 'lxc', 'pve-03', 'batch', 'ci'],
  [117, 'student-17', 'qemu', 'pve-04', 'steady', 'course'],
  [118, 'student-18', 'qemu', 'pve-04', 'crashed', 'course'],
  [140, 'backup-target', 'lxc', 'backup-01', 'nightly', ''],
  [150, null, 'lxc', 'edge-01', 'edge', ''],
];

const crowd: SeedPattern[] = ['steady', 'steady', 'stopped', 'steady', 'steady', 'steady', 'crashed', 'office'];

/** 52 guests: the named ones, then a course of students and a farm of web servers. */
export function seedGuests(): SeedGuest[] {
  const guests: SeedGuest[] = named.map(([vmid, name, type, node, pattern, tags]) => ({
    vmid,
    name,
    type,
    node,
    pattern,
    tags,
    pool: tags === 'course' ? 'IN2106' : null,
  }));
  const places: SeedNodeName[] = ['pve-01', 'pve-02', 'pve-03', 'edge-01'];
  for (let k = guests.length; k < 52; k += 1) {
    const isStudent = k % 3 !== 0;
    guests.push({
      vmid: 200 + k,
      name: `${isStudent ? 'student' : 'shop'}-${String(k + 10)}`,
      type: k % 4 === 0 ? 'lxc' : 'qemu',
      node: k % 10 === 7 ? 'pve-04' : (places[k % places.length] ?? 'pve-01'),
      pattern: crowd[k % crowd.length] ?? 'steady',
      tags: isStudent ? 'course' : 'shop',
      pool: isStudent ? 'IN2106' : null,
    });
  }
  return guests;
}

/** Gaps of nodes: one goes on, one was proven later, one stays unproven, one of the manager itself. */
export const seedGaps: {
  node: SeedNodeName;
  from: number;
  to: number | null;
  reason: string;
  detail: string | null;
  isProven: boolean;
}[] = [
  {
    node: 'pve-04',
    from: seedNow - 200_000,
    to: null,
    reason: 'unreachable',
    detail: 'connection refused',
    isProven: false,
  },
  {
    node: 'pve-04',
    from: seedNow - 17 * HOUR,
    to: seedNow - 15.4 * HOUR,
    reason: 'unreachable',
    detail: 'timed out after 10 s',
    isProven: false,
  },
  {
    node: 'pve-02',
    from: seedNow - 6 * DAY,
    to: seedNow - 6 * DAY + 42 * 60_000,
    reason: 'manager_down',
    detail: null,
    isProven: true,
  },
  {
    node: 'edge-01',
    from: seedNow - 9 * DAY,
    to: seedNow - 9 * DAY + 3 * HOUR,
    reason: 'tls_error',
    detail: 'the certificate changed',
    isProven: true,
  },
  {
    node: 'backup-01',
    from: seedNow - 12 * DAY,
    to: seedNow - 12 * DAY + 260_000,
    reason: 'permission_lost',
    detail: 'VM.Audit on /',
    isProven: false,
  },
  {
    node: 'pve-03',
    from: seedNow - 9 * DAY - 400_000,
    to: seedNow - 9 * DAY,
    reason: 'unauthorized',
    detail: 'the token has expired',
    isProven: true,
  },
];
