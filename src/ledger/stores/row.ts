/** A row as the database answers it. */
export type Row = Record<string, number | string | null>;

/** Bounds from a pair of columns; null where either is. */
export function windowOf(row: Row, prefix: string): { earliest: number; latest: number } | null {
  const earliest = maybeNumber(row, `${prefix}_earliest`);
  const latest = maybeNumber(row, `${prefix}_latest`);
  return earliest === null || latest === null ? null : { earliest, latest };
}

/** The column's number; throws where it holds none: the database is then not what we wrote. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new Error(`column ${column} holds no number: the database is not what we wrote`);
  return value;
}

/** The column's number, or null. */
export function maybeNumber(row: Row, column: string): number | null {
  return (row[column] ?? null) === null ? null : numberOf(row, column);
}

/** The column's text; throws where it holds none. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new Error(`column ${column} holds no text: the database is not what we wrote`);
  return value;
}

/** The column's text, or null. */
export function maybeText(row: Row, column: string): string | null {
  return (row[column] ?? null) === null ? null : textOf(row, column);
}
