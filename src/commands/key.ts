import type { Scope } from '../ledger/access.js';
import { columns, instant } from './columns.js';
import { CommandError, UsageError, type Command, type OptionValues } from './command.js';
import { byCommand, withDatabase } from './with-database.js';

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

export const keyCreate: Command = {
  name: 'key create',
  operands: ['NAME'],
  summary: 'Make an API key and print it, once',
  options: {
    scope: { type: 'string', value: 'SCOPE', isRequired: true, help: 'ingest, read, admin or enrol' },
    node: { type: 'string', value: 'NODE', help: 'the only node that the key may report for' },
    expires: { type: 'string', value: 'WHEN', help: 'a date such as 2027-01-31 (its end, UTC), or 30d, 12h' },
  },
  notes: ['The key stands alone on the last line. Only its hash is stored: it cannot be shown again.'],
  async run(invocation) {
    const { positionals, values, parts, print } = invocation;
    const name = positionals[0] ?? '';
    const scope = await scopeOf(values['scope']);
    const now = parts.clock.now();
    const expiresAt = typeof values['expires'] === 'string' ? expiryOf(values['expires'], now) : null;
    const node = typeof values['node'] === 'string' ? values['node'] : null;
    return withDatabase(invocation, async (db) => {
      const { createKey, writeAudit } = await import('../ledger/access.js');
      const { inTransaction } = await import('../ledger/database.js');
      const { id, key } = await inTransaction(db, async (trx) => {
        const made = await createKey(trx, { name, scope, node, expiresAt }, now);
        await writeAudit(trx, byCommand(now, 'key.create', name, { id: made.id, scope, node, expires_at: expiresAt }));
        return made;
      });
      print(`Key ${id} "${name}" with scope ${scope}. It is shown this once:`);
      print(key);
      return 0;
    });
  },
};

export const keyList: Command = {
  name: 'key list',
  summary: 'List the API keys, without the keys themselves',
  options: { all: { type: 'boolean', help: 'also those that are revoked' } },
  async run(invocation) {
    return withDatabase(invocation, async (db) => {
      const { listKeys } = await import('../ledger/access.js');
      const keys = await listKeys(db.reader, { includeRevoked: invocation.values['all'] === true });
      if (keys.length === 0) {
        invocation.print('There is no key yet: make one by "proxmox-tracker key create NAME --scope read".');
        return 0;
      }
      const rows = keys.map((key) => [
        String(key.id),
        key.name,
        key.scope,
        key.node ?? '-',
        instant(key.createdAt),
        instant(key.lastUsedAt),
        instant(key.expiresAt),
        key.revokedAt === null ? '' : `revoked ${instant(key.revokedAt)}`,
      ]);
      const headings = ['ID', 'NAME', 'SCOPE', 'NODE', 'CREATED', 'LAST USED', 'EXPIRES', ''];
      columns(headings, rows).forEach((line) => invocation.print(line));
      return 0;
    });
  },
};

export const keyRevoke: Command = {
  name: 'key revoke',
  operands: ['ID'],
  summary: 'Close an API key for ever; "key list" shows the ids',
  async run(invocation) {
    const { positionals, parts, print } = invocation;
    const written = positionals[0] ?? '';
    if (!/^[1-9]\d{0,14}$/.test(written)) {
      throw new UsageError(`"${written}" is not the id of a key: "proxmox-tracker key list" shows them`);
    }
    const id = Number(written);
    return withDatabase(invocation, async (db) => {
      const { listKeys, revokeKey, writeAudit } = await import('../ledger/access.js');
      const { inTransaction } = await import('../ledger/database.js');
      const key = (await listKeys(db.reader)).find((each) => each.id === id);
      const isRevoked = await inTransaction(db, async (trx) => {
        const now = parts.clock.now();
        const isChanged = await revokeKey(trx, id, now);
        if (isChanged) await writeAudit(trx, byCommand(now, 'key.revoke', key?.name ?? String(id), { id }));
        return isChanged;
      });
      if (!isRevoked)
        throw new CommandError(`there is no open key ${id}: "proxmox-tracker key list" shows those there are`);
      print(`Key ${id} "${key?.name ?? ''}" opens nothing any more.`);
      return 0;
    });
  },
};

async function scopeOf(written: OptionValues[string]): Promise<Scope> {
  const { SCOPES } = await import('../ledger/access.js');
  const scope = SCOPES.find((each) => each === written);
  if (scope === undefined) throw new UsageError(`--scope is "${String(written)}": write ingest, read, admin or enrol`);
  return scope;
}

/** The instant at which a key ends, epoch ms: a date's end (UTC), or a span from now such as 30d. Throws a UsageError for anything else and for the past. */
export function expiryOf(written: string, now: number): number {
  const [, count, unit] = /^(\d{1,5})([mhdw])$/.exec(written) ?? [];
  const spanMs = unit === undefined ? undefined : unitMs[unit];
  const at = spanMs === undefined ? endOfDate(written) : now + Number(count) * spanMs;
  if (at === null)
    throw new UsageError(`--expires is "${written}": write a date such as 2027-01-31, or a span such as 30d or 12h`);
  if (at <= now) throw new UsageError(`--expires is "${written}", which is over: write a later date`);
  return at;
}

function endOfDate(written: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(written)) return null;
  const at = Date.parse(`${written}T00:00:00Z`);
  // Date.parse takes 2027-02-30 for 2 March.
  const isReal = Number.isFinite(at) && new Date(at).toISOString().startsWith(written);
  return isReal ? at + 86_400_000 : null;
}
