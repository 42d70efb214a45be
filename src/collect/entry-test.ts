import type { Clock } from '../clock.js';
import type { NodeConfig, PollingConfig } from '../config/config.js';
import type { EntryTest } from '../core/node-entries.js';
import type { Log } from '../log.js';
import { checkNode } from '../proxmox/check-node.js';

/** Asks an entry's server everything that a poll will ask, and says what it found in sentences. */
export async function testOf(
  node: NodeConfig,
  polling: PollingConfig,
  parts: { clock: Clock; log: Log },
): Promise<EntryTest> {
  const check = await checkNode(node, polling, parts);
  if (!check.ok) return { ok: false, sentence: check.sentence, lines: [] };
  const where = check.cluster === null ? 'standalone' : `cluster ${check.cluster}`;
  const count = check.guests.length === 1 ? '1 guest' : `${check.guests.length} guests`;
  return {
    ok: true,
    sentence: `${check.node} answers (${where}, Proxmox VE ${check.version}): ${count} found`,
    lines: [
      ...check.privileges.map(({ privilege, path, isGranted }) => `${privilege} on ${path} ${isGranted ? '✓' : '✗'}`),
      ...check.warnings,
    ],
  };
}
