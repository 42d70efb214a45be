import { at, backup, type Trap } from './trap.js';

/**
 * Traps that are sprung only where two things meet, most of them between two polls (at whole and half minutes). Each was laid
 * because without it a rule of the ledger could be left out and no world told it wrongly (docs/mutations.md).
 */
export const trapCoincidences: readonly Trap[] = [
  // The task log is out while a guest is started and stopped between two samples of stopped, and is read only later.
  {
    name: 'trap-04-a-run-between-two-polls-while-the-log-is-out',
    events: [
      { at: at(5, 33), kind: 'start', vmid: 101, takesMs: 500 },
      { at: at(5, 45), kind: 'stop', vmid: 101 },
    ],
    faults: [{ from: at(5), to: at(8), node: 't1', path: '/tasks', fault: { kind: 'status', status: 500 } }],
  },
  // So fast that the target's process is younger than the last sample at the source: only the task tells the migration.
  {
    name: 'trap-06-live-migration-between-two-polls',
    events: [{ at: at(5, 2), kind: 'migrate', vmid: 100, to: 't2', takesMs: 5000 }],
  },
  // The stop that a failed migration leaves on its target is no stop of the guest, which powers itself off before the next poll.
  {
    name: 'trap-07-failed-migration-and-poweroff-between-two-polls',
    events: [
      { at: at(5, 2), kind: 'migrate', vmid: 100, to: 't2', takesMs: 5000, error: 'migration problems' },
      { at: at(5, 22), kind: 'poweroff', vmid: 100 },
    ],
  },
  // The same before the first look, where no sample says on which node the guest ran.
  {
    name: 'trap-07-failed-migration-and-poweroff-before-the-first-look',
    events: [
      { at: at(0, 2), kind: 'migrate', vmid: 100, to: 't2', takesMs: 5000, error: 'migration problems' },
      { at: at(0, 30), kind: 'poweroff', vmid: 100 },
    ],
  },
  // Pids are used again: the next process has the one of the process before, and only its uptime tells them apart.
  {
    name: 'trap-12-the-same-pid-again',
    events: [
      { at: at(5), kind: 'start', vmid: 101, pid: 4242 },
      { at: at(9, 3), kind: 'poweroff', vmid: 101 },
      { at: at(9, 9), kind: 'start', vmid: 101, takesMs: 500, pid: 4242 },
    ],
  },
  // A rollback with memory starts the VM inside; it is stopped before a sample shows it, so that only the stop proves the start.
  {
    name: 'trap-20-rollback-and-stop-between-two-polls',
    events: [
      { at: at(5, 2), kind: 'rollback', vmid: 100, withRam: true, takesMs: 2000 },
      { at: at(5, 15), kind: 'stop', vmid: 100 },
    ],
  },
  // A template whose lock is taken away during its backup is listed as running, and no lock says why.
  {
    name: 'trap-31-template-unlocked-during-its-backup',
    events: [
      { at: at(5), kind: 'template', vmid: 101 },
      backup(10, 101, 'snapshot'),
      { at: at(11), kind: 'unlock', vmid: 101 },
    ],
  },
  // The same, first seen when its backup is under way already: no sample of stopped was before it.
  {
    name: 'trap-31-template-unlocked-during-its-backup-at-the-first-look',
    events: [
      { at: at(0, 5), kind: 'template', vmid: 101 },
      { ...backup(0, 101, 'snapshot'), at: at(0, 20) },
      { at: at(0, 40), kind: 'unlock', vmid: 101 },
    ],
  },
  // Resumed from disk and stopped before a sample shows it: qmresume is the only start that the log has.
  {
    name: 'trap-33-resumed-from-disk-and-stopped-between-two-polls',
    events: [
      { at: at(5), kind: 'suspend_to_disk', vmid: 100 },
      { at: at(15, 2), kind: 'resume', vmid: 100, takesMs: 1000 },
      { at: at(15, 15), kind: 'stop', vmid: 100 },
    ],
  },
];
