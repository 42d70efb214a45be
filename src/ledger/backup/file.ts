import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

export const FORMAT = 'proxmox-tracker backup 1';

/** The first line of a backup: gzipped lines of JSON, the same for every database. */
export interface BackupHeader {
  format: string;
  /** The program's version that wrote it. */
  version: string;
  createdAt: number;
  /** The migrations that its tables have gone through. */
  migrations: string[];
  tables: Record<string, { columns: string[]; rowCount: number }>;
}

/** Rows of one table, their values in the order of the header's columns. */
export interface BackupRows {
  table: string;
  rows: (string | number | null)[][];
}

/** A backup cannot be made or used; the message is a sentence that tells the operator what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Reads the whole file without keeping it, and yields its header; throws BackupError where it is torn, tampered with or no backup. */
export async function verifyBackup(file: string): Promise<BackupHeader> {
  const counts = new Map<string, number>();
  let header: BackupHeader | null = null;
  for await (const part of readBackup(file)) {
    if ('format' in part) header = part;
    else counts.set(part.table, (counts.get(part.table) ?? 0) + part.rows.length);
  }
  if (header === null) throw notOurs(file);
  for (const [table, { rowCount }] of Object.entries(header.tables))
    if ((counts.get(table) ?? 0) !== rowCount) throw torn(file, `${table} should have ${rowCount} rows`);
  return header;
}

/** The header, then the rows in their order; throws BackupError at the first line that is wrong, at the latest at the end. */
export async function* readBackup(file: string): AsyncGenerator<BackupHeader | BackupRows> {
  const sum = createHash('sha256');
  let header: BackupHeader | null = null;
  let isWhole = false;
  for await (const line of linesOf(file)) {
    if (isWhole) throw torn(file, 'something follows its end');
    const part = parsed(file, line);
    if (header === null) {
      header = headerOf(file, part);
      yield header;
    } else if (typeof part['sha256'] === 'string') {
      if (part['sha256'] !== sum.copy().digest('hex')) throw torn(file, 'its checksum does not fit');
      isWhole = true;
    } else yield rowsOf(file, header, part);
    sum.update(`${line}\n`);
  }
  if (header === null) throw notOurs(file);
  if (!isWhole) throw torn(file, 'its end is missing');
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  const lines = createInterface({ input: source.pipe(gunzip), crlfDelay: Infinity });
  let failure: unknown = null;
  // Some versions of readline end quietly where their input breaks off, others throw.
  gunzip.on('error', (error) => {
    failure = error;
    lines.close();
  });
  try {
    yield* lines;
  } catch (error) {
    failure ??= error;
  }
  if (failure !== null) throw faultOf(file, failure as NodeJS.ErrnoException);
}

function faultOf(file: string, error: NodeJS.ErrnoException): BackupError {
  switch (error.code) {
    case 'ENOENT':
      return new BackupError(`${file} is not there: name the file that "proxmox-tracker backup" wrote`);
    case 'Z_BUF_ERROR':
      return torn(file, 'its end is missing');
    case 'Z_DATA_ERROR':
      return /header/.test(error.message) ? notOurs(file) : torn(file, 'its data is damaged');
    default:
      return new BackupError(`${file} cannot be read: ${error.message}`);
  }
}

function parsed(file: string, line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw torn(file, 'a line of it is no JSON');
  }
}

function headerOf(file: string, part: Record<string, unknown>): BackupHeader {
  if (part['format'] !== FORMAT) throw notOurs(file);
  return part as unknown as BackupHeader;
}

function rowsOf(file: string, { tables }: BackupHeader, part: Record<string, unknown>): BackupRows {
  const { table, rows } = part as unknown as BackupRows;
  const known = Object.hasOwn(tables, table) ? tables[table] : undefined;
  if (known === undefined || !rows.every((row) => row.length === known.columns.length))
    throw torn(file, 'a line of it fits no table');
  return { table, rows };
}

function torn(file: string, what: string): BackupError {
  return new BackupError(`${file} is not whole: ${what}; nothing was written, take another backup`);
}

function notOurs(file: string): BackupError {
  return new BackupError(
    `${file} is not a backup of proxmox-tracker: name the file that "proxmox-tracker backup" wrote`,
  );
}
