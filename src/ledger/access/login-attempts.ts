import type { Queryable } from '../database.js';

export const LOGIN_ACTION = 'login';
export const FAILURE_ACTION = 'login.failed';

export interface LoginAttempt {
  at: number;
  actor: string;
  isFailure: boolean;
}

/** The logins and failures from an address since an instant, newest first, at most 200: the audit log remembers them. */
export async function attemptsFrom(db: Queryable, address: string, since: number): Promise<LoginAttempt[]> {
  const rows = (await db('audit_log')
    .where('at', '>', since)
    .where({ address })
    .whereIn('action', [LOGIN_ACTION, FAILURE_ACTION])
    .orderBy([
      { column: 'at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(200)
    .select('at', 'actor', 'action')) as { at: number; actor: string; action: string }[];
  return rows.map((row) => ({ at: row.at, actor: row.actor, isFailure: row.action === FAILURE_ACTION }));
}
