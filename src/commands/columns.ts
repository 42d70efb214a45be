/** Rows of words as lines of aligned columns under their headings; the last column is left ragged. */
export function columns(headings: string[], rows: string[][]): string[] {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((word, column) => (column === row.length - 1 ? word : word.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** An instant (epoch ms UTC) for a list on a terminal, to the second; '-' where there is none. */
export function instant(at: number | null): string {
  return at === null ? '-' : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
