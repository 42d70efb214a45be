import { guestKey, type GuestState } from '../../core/guest.js';
import { readingsOf, type IdentityFact } from '../../core/identity.js';
import type { GuestType } from '../../core/observation.js';
import type { Queryable, Trx } from '../database.js';
import { maybeNumber, maybeText, numberOf, textOf, type Row } from './row.js';

/** Stores what was read of guests' configs and of the logs of clones; the same clone's log, read twice, is one fact. */
export async function writeIdentities(
  trx: Trx,
  clusterId: number,
  facts: readonly IdentityFact[],
  now: number,
): Promise<void> {
  for (const fact of facts) {
    if (fact.kind === 'cloned' && (await trx('identities').where({ upid: fact.upid }).first('id')) !== undefined)
      continue;
    await trx('identities').insert({ cluster_id: clusterId, ...rowOf(fact), created_at: now });
  }
}

function rowOf(fact: IdentityFact): Record<string, unknown> {
  const identity = fact.kind === 'read' ? fact.identity : null;
  return {
    node_id: fact.nodeId,
    type: fact.type,
    vmid: fact.vmid,
    kind: fact.kind,
    earliest: fact.window.earliest,
    latest: fact.window.latest,
    is_log_complete: fact.kind === 'read' && !fact.isLogComplete ? 0 : 1,
    uuid: identity?.uuid ?? null,
    created_time_s: identity?.createdTimeS ?? null,
    hwaddr: identity?.hwaddr ?? null,
    rootfs: identity?.rootfs ?? null,
    upid: fact.kind === 'cloned' ? fact.upid : null,
  };
}

/** The cluster's facts by guestKey, oldest first. */
export async function loadIdentities(db: Queryable, clusterId: number): Promise<Map<string, IdentityFact[]>> {
  const rows = (await db('identities').where({ cluster_id: clusterId }).orderBy('earliest').orderBy('id')) as Row[];
  const facts = new Map<string, IdentityFact[]>();
  for (const row of rows) {
    const fact = factOf(row);
    const key = guestKey(fact.type, fact.vmid);
    facts.set(key, [...(facts.get(key) ?? []), fact]);
  }
  return facts;
}

function factOf(row: Row): IdentityFact {
  const type = textOf(row, 'type') as GuestType;
  const vmid = numberOf(row, 'vmid');
  const window = { earliest: numberOf(row, 'earliest'), latest: numberOf(row, 'latest') };
  const common = { type, vmid, nodeId: numberOf(row, 'node_id'), window };
  const kind = textOf(row, 'kind') as IdentityFact['kind'];
  switch (kind) {
    case 'gone':
      return { ...common, kind };
    case 'cloned':
      return { ...common, kind, upid: textOf(row, 'upid') };
    case 'read':
      return { ...common, kind, isLogComplete: row['is_log_complete'] === 1, identity: identityOf(row, type, vmid) };
  }
}

function identityOf(row: Row, type: GuestType, vmid: number): Extract<IdentityFact, { kind: 'read' }>['identity'] {
  return {
    type,
    vmid,
    uuid: maybeText(row, 'uuid'),
    createdTimeS: maybeNumber(row, 'created_time_s'),
    hwaddr: maybeText(row, 'hwaddr'),
    rootfs: maybeText(row, 'rootfs'),
  };
}

/** Puts the newest reading of the guest's present incarnation on its row, where pages and queries look for it. */
export async function writeIdentityOf(trx: Trx, before: GuestState | null, after: GuestState): Promise<void> {
  const reading = readingsOf(after).at(-1);
  const present = after.lives.at(-1);
  const isNew = reading !== undefined && before?.identities.includes(reading) !== true;
  if (!isNew || present === undefined || present.id === null) return;
  if (reading.window.latest < present.firstSeenAt) return;
  const { uuid, createdTimeS, hwaddr, rootfs } = reading.identity;
  await trx('guests').where({ id: present.id }).update({ uuid, created_time_s: createdTimeS, hwaddr, rootfs });
}

/** The clones of this node whose logs were read. */
export async function readClones(db: Queryable, nodeId: number): Promise<string[]> {
  const rows = (await db('identities').where({ node_id: nodeId, kind: 'cloned' }).select('upid')) as { upid: string }[];
  return rows.map((row) => row.upid);
}
