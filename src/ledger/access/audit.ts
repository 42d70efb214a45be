import type { Page } from '../queries/read-model.js';
import type { Queryable, Trx } from '../database.js';

export interface AuditWish {
  at: number;
  /** Who: a user's name, `key <name>`, or `command line`. */
  actor: string;
  /** Where they came from; null for commands. */
  address: string | null;
  /** What: `login`, `user.add`, `key.create`, ... */
  action: string;
  subject: string;
  /** Values before and after, never a secret among them. */
  before?: unknown;
  after?: unknown;
}

export interface AuditEntry {
  id: number;
  at: number;
  actor: string;
  address: string | null;
  action: string;
  subject: string;
  before: unknown;
  after: unknown;
}

interface AuditRow {
  id: number;
  at: number;
  actor: string;
  address: string | null;
  action: string;
  subject: string;
  before_value: string | null;
  after_value: string | null;
}

/** Writes one line of the audit log, in the transaction of what it tells. */
export async function writeAudit(trx: Trx, wish: AuditWish): Promise<void> {
  await trx('audit_log').insert({
    at: wish.at,
    actor: wish.actor.slice(0, 255),
    address: wish.address,
    action: wish.action,
    subject: wish.subject.slice(0, 255),
    before_value: wish.before === undefined ? null : JSON.stringify(wish.before),
    after_value: wish.after === undefined ? null : JSON.stringify(wish.after),
  });
}

/** One page of the audit log, newest first. */
export async function listAudit(db: Queryable, filter: { page: number; perPage: number }): Promise<Page<AuditEntry>> {
  const { page, perPage } = filter;
  const counted = (await db('audit_log').count('* as count').first()) as { count: number | string };
  const rows = (await db('audit_log')
    .orderBy([
      { column: 'at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(perPage)
    .offset((page - 1) * perPage)) as AuditRow[];
  return { items: rows.map(entryOf), total: Number(counted.count), page, perPage };
}

function entryOf(row: AuditRow): AuditEntry {
  const { before_value: before, after_value: after, ...rest } = row;
  return {
    ...rest,
    before: before === null ? null : (JSON.parse(before) as unknown),
    after: after === null ? null : (JSON.parse(after) as unknown),
  };
}
