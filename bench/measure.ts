import { rowsOf, type Database } from '../src/ledger/database.js';

export interface Cost {
  wallMs: number;
  cpuMs: number;
}

/** Runs the work once: its wall time, and the CPU time of this whole process meanwhile. */
export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const startedAt = process.hrtime.bigint();
  await work();
  const wallMs = Number(process.hrtime.bigint() - startedAt) / 1e6;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** The middle value; the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low = 0, high = 0] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return (low + high) / 2;
}

export const medianCost = (costs: readonly Cost[]): Cost => ({
  wallMs: median(costs.map(({ wallMs }) => wallMs)),
  cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
});

/** Rows of each table of an SQLite database. */
export async function rowCounts(db: Database): Promise<Map<string, number>> {
  const tables = rowsOf(
    await db.reader.raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"),
  );
  const counts = new Map<string, number>();
  for (const { name } of tables) {
    const [row] = (await db.reader(String(name)).count('* as count')) as { count: number }[];
    counts.set(String(name), Number(row?.count));
  }
  return counts;
}

/** "polls +50, sessions +1": what grew or shrank between two counts. */
export function grown(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  const parts = [...after].flatMap(([name, count]) => {
    const difference = count - (before.get(name) ?? 0);
    return difference === 0 ? [] : [`${name} ${difference > 0 ? '+' : ''}${difference}`];
  });
  return parts.length === 0 ? 'none' : parts.join(', ');
}
