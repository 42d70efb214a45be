import { READING_AGE_MS } from '../../core/agent-report.js';
import type { Window } from '../../core/window.js';
import type { Trx } from '../database.js';

interface ContactNode {
  id: number;
  source: 'pull' | 'push';
}

/** A contact of an agent stands for a poll of a node that nobody else looks at: it proves what was said last. */
export async function writeContact(trx: Trx, node: ContactNode, { latest }: Window, now: number): Promise<void> {
  if (node.source === 'pull') return;
  const sentAt = latest - READING_AGE_MS;
  await trx('polls').insert({
    node_id: node.id,
    began_at: sentAt,
    finished_at: now,
    qemu_outcome: 'seen',
    lxc_outcome: 'seen',
    qemu_sent_at: sentAt,
    qemu_received_at: latest,
    lxc_sent_at: sentAt,
    lxc_received_at: latest,
  });
}

/** The agent's last contact before the instant; `lastAt` is its last of all. Null where none is known. */
export async function contactBefore(
  trx: Trx,
  node: ContactNode,
  lastAt: number | null,
  before: number,
): Promise<number | null> {
  if (lastAt === null || lastAt < before) return lastAt;
  if (node.source === 'pull') return null;
  const row = (await trx('polls')
    .where({ node_id: node.id })
    .where('qemu_sent_at', '<', before - READING_AGE_MS)
    .orderBy('qemu_sent_at', 'desc')
    .first('qemu_received_at')) as { qemu_received_at: number } | undefined;
  return row?.qemu_received_at ?? null;
}
