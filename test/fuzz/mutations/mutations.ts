/** One place of a fault. */
export interface Edit {
  /** Below src/core. */
  file: string;
  find: string;
  replace: string;
}

/** A fault put into the sources on purpose; some world must be told wrongly by it. */
export interface Mutation extends Edit {
  title: string;
  /** The other place of a rule that is held in two. */
  also?: Edit;
}

/** All places of the fault. */
export function editsOf({ file, find, replace, also }: Mutation): Edit[] {
  return also === undefined ? [{ file, find, replace }] : [{ file, find, replace }, also];
}

/** Twenty faults, of rules left out and of bounds shifted. */
export const mutations: readonly Mutation[] = [
  {
    title: 'failed tasks count',
    file: 'task.ts',
    find: "if (task.outcome === 'failed' || task.outcome === 'unknown') return [];",
    replace: '',
  },
  {
    title: 'a stop on any node ends the run',
    file: 'sweep.ts',
    find: 'if (run === null || run.nodeId !== task.nodeId) return;\n    if (run.provenAt > latest)',
    replace: 'if (run === null) return;\n    if (run.provenAt > latest)',
    also: {
      file: 'slot.ts',
      find: "if (effect.edge === 'end' && isCleanup(task, moves, asOf)) continue;",
      replace: 'if (moves.length < 0 && isCleanup(task, moves, asOf)) continue;',
    },
  },
  {
    title: 'the end of a task is its last second, not the next',
    file: 'node-clock.ts',
    find: 'stampS * 1000 + 999 - offset.earliest',
    replace: 'stampS * 1000 - 600 - offset.earliest',
  },
  {
    title: 'starts by uptime lie a second later',
    file: 'span.ts',
    find: 'earliest: sample.sentAt - uptimeMs - 1000 - rateMs - TICK_MS',
    replace: 'earliest: sample.sentAt - uptimeMs - rateMs + 400',
  },
  {
    title: 'starts by uptime know no rate error',
    file: 'span.ts',
    find: 'const rateMs = Math.ceil((uptimeMs + 1000) * CLOCK_RATE_ERROR);',
    replace: 'const rateMs = 0;',
  },
  {
    title: 'absence ends the run',
    file: 'sample.ts',
    find: '  return { ...closedAt(guest, lastSeen), isOpen: false };',
    replace:
      '  const closed = closedAt(guest, lastSeen);\n  const at = lastSeen ?? { sentAt: 0, receivedAt: 0 };\n  return { ...closed, spans: [...closed.spans, stoppedSpan(guest.nodeId, at)], isOpen: false };',
  },
  {
    title: 'a pid alone tells a process (trap 12)',
    file: 'span.ts',
    find: "return excessMs > 0 ? 'glitch' : 'new';",
    replace: "return 'glitch';",
  },
  {
    title: 'a backup’s process is a run (trap 1)',
    file: 'sample.ts',
    find: "(row.lock === 'backup' || row.lock === 'migrate')",
    replace: "row.lock === 'migrate'",
  },
  {
    title: 'powered off inside a backup is running (trap 32)',
    file: 'sample.ts',
    find: " || row.qmpstatus === 'shutdown'",
    replace: '',
  },
  {
    title: 'a resumed process keeps its uptime (trap 32)',
    file: 'sample.ts',
    find: 'isBarred: isBack',
    replace: 'isBarred: false',
  },
  {
    title: 'a migration makes a new run (trap 6)',
    file: 'run.ts',
    find: 'if (slot.bornBy !== null) return true;',
    replace: '',
  },
  {
    title: 'a receiving process’s start is a start (trap 7)',
    file: 'slot.ts',
    find: "if (task.type !== 'qmstart') return false;",
    replace: 'if (moves.length >= 0) return false;',
  },
  {
    title: 'no enclosing task starts anything (trap 20)',
    file: 'possible-book.ts',
    find: 'this.possible = { task, window, after: this.lowerBound(), isContainers };',
    replace: 'void [task, window, isContainers];',
  },
  {
    title: 'a host’s boot ends nothing (trap 24)',
    file: 'sweep.ts',
    find: "this.closeBy('boot', 'host', counterProof, hostGoneAt(run, window, slot));",
    replace: '',
  },
  {
    title: 'two stopped samples prove the time between',
    file: 'slot.ts',
    find: '!changes.some(covers)',
    replace: '!changes.some((task) => covers(task) && task.upid.length === 0)',
  },
  {
    title: 'a template’s backup is a run (trap 31)',
    file: 'sample.ts',
    find: 'if (row.isTemplate) return',
    replace: 'if (row.isTemplate && row.vmid < 0) return',
  },
  {
    title: 'a clock that was set is not noticed',
    file: 'node-clock.ts',
    find: 'if (both === null) return { offset: window, asOf, readingCount: 1, since: asOf, before: known.offset };',
    replace: 'if (both === null) return { ...known, asOf };',
  },
  {
    title: 'a resume from disk starts nothing (trap 33)',
    file: 'sweep.ts',
    find: "if (isResume && (this.run !== null || this.closed.at(-1)?.end.reason !== 'suspend')) return;",
    replace: 'if (isResume) return;',
  },
  {
    title: 'a migrated container ran until its task began, whatever happened before',
    file: 'sweep.ts',
    find: 'return isProven ? Math.max(run.provenAt, task.start.earliest) : run.provenAt;',
    replace: 'return isProven || run.provenAt > 0 ? Math.max(run.provenAt, task.start.earliest + 1500) : 0;',
  },
  {
    title: 'the next start clips no end before it',
    file: 'ordered.ts',
    find: '  clipLatest(sessions);\n  clipEarliest(sessions);',
    replace:
      '  if (sessions.length < 0) clipLatest(sessions);\n  for (const { end } of sessions) if (end !== null) end.latest -= 2000;\n  clipEarliest(sessions);',
  },
];

/** The source with one place of the fault in it; throws where that is not found exactly once. */
export function mutated(source: string, { file, find, replace }: Edit): string {
  if (source.split(find).length !== 2) throw new Error(`a fault's place is not found once in ${file}: ${find}`);
  return source.replace(find, () => replace);
}
