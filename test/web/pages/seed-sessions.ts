import { DAY, HOUR, seedNow, type SeedEdge, type SeedGuest, type SeedSession } from './seed-plan.js';

/** The last month of one guest of the seed, oldest first; the same for the same guest. */
export function seedSessions(guest: SeedGuest): SeedSession[] {
  const jitter = (guest.vmid * 7_919) % 3_600;
  const midnight = Date.UTC(2026, 10, 23, 23, 0, 0);
  const run = (start: SeedEdge, end: SeedEdge | null, reason: SeedSession['reason'] = null): SeedSession => ({
    start,
    end,
    reason,
    path: [{ node: guest.node, from: start.at }],
  });
  const prefix = guest.type === 'qemu' ? 'qm' : 'vz';
  switch (guest.pattern) {
    case 'stopped':
      return [run(byTask(seedNow - 20 * DAY, `${prefix}start`), byTask(seedNow - 19 * DAY, `${prefix}stop`), 'stop')];
    case 'steady':
      return [run(byUptime(seedNow - (12 + (guest.vmid % 30)) * DAY - jitter * 1000), null)];
    case 'moved': {
      const session = run(byUptime(seedNow - 43 * DAY), null);
      const from = seedNow - 12.7 * HOUR;
      session.path = [
        { node: 'pve-01', from: session.start.at },
        { node: guest.node, from },
      ];
      return [session];
    }
    case 'rebooted': {
      const at = seedNow - 10.7 * HOUR;
      return [
        run(byUptime(seedNow - 33 * DAY), byTask(at, `${prefix}reboot`, 'root@pam', 900), 'reboot'),
        run(byUptime(at + 1_600), null),
      ];
    }
    case 'edge':
      return [
        run(logEdge(seedNow - 26 * DAY), byTask(seedNow - 21 * DAY, 'vzshutdown', 'root@pam'), 'shutdown'),
        run(byTask(seedNow - 20.5 * DAY, 'vzstart', ''), byBoot(seedNow - 18 * DAY), 'host'),
        run(byUptime(seedNow - 18 * DAY + 95_000), null),
      ];
    case 'crashed':
      return [
        run(byUptime(seedNow - 16 * DAY), byPoll(seedNow - 14 * DAY + jitter * 1000), 'unlogged'),
        run(byUptime(seedNow - 13.6 * DAY), byPoll(seedNow - 13.1 * HOUR - jitter * 100), 'unlogged'),
      ];
    case 'office':
      return workdays(guest, midnight).map(([from, to]) =>
        run(
          byUptime(from + jitter * 1000),
          byTask(to + jitter * 700, `${prefix}shutdown`, 'alice@pve', 1_000),
          'shutdown',
        ),
      );
    case 'nightly':
      return nights(midnight).map((at) =>
        run(byUptime(at + jitter * 500), byTask(at + 2.4 * HOUR + jitter * 800, `${prefix}stop`, 'cron@pve'), 'stop'),
      );
    case 'batch':
      return batches().map(([from, to]) =>
        run(
          byUptime(from),
          to === null ? null : byTask(to, `${prefix}shutdown`, 'ci@pve'),
          to === null ? null : 'shutdown',
        ),
      );
  }
}

function workdays(guest: SeedGuest, midnight: number): [number, number][] {
  const days: [number, number][] = [];
  for (let k = 26; k >= 0; k -= 1) {
    const day = midnight - k * DAY;
    const weekday = new Date(day + 12 * HOUR).getUTCDay();
    if (weekday === 0 || weekday === 6) continue;
    const until = k === 0 ? seedNow - 44_000 - (guest.vmid % 7) * 600_000 - 2_520_000 : day + 19 * HOUR;
    days.push([day + 7 * HOUR, until]);
  }
  return days;
}

function nights(midnight: number): number[] {
  return Array.from({ length: 24 }, (_, k) => midnight - (23 - k) * DAY + 1.5 * HOUR);
}

function batches(): [number, number | null][] {
  const runs: [number, number | null][] = [];
  for (let at = seedNow - 24 * DAY, k = 0; at < seedNow - 2 * HOUR; at += (2.1 + (k % 5) * 0.7) * HOUR, k += 1) {
    runs.push([at, at + (0.2 + (k % 4) * 0.35) * HOUR]);
  }
  runs.push([seedNow - 331_000, null]);
  return runs;
}

function byUptime(at: number): SeedEdge {
  return { at, before: 380, after: 120, evidence: 'uptime', task: null, user: '' };
}

function byTask(at: number, task: string, user = 'root@pam', off = 1_400): SeedEdge {
  return { at, before: off, after: 600, evidence: 'task', task, user };
}

function byPoll(at: number): SeedEdge {
  return { at, before: 15_000, after: 14_900, evidence: 'poll', task: null, user: '' };
}

function byBoot(at: number): SeedEdge {
  return { at, before: 41_000, after: 42_000, evidence: 'boot', task: null, user: '' };
}

function logEdge(at: number): SeedEdge {
  return { at, before: null, after: 0, evidence: 'log_edge', task: null, user: '' };
}
