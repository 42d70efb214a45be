import type { Clock } from '../clock.js';
import type { Seen } from '../core/observation.js';
import { ask } from './ask.js';
import type { ProxmoxApi } from './client.js';
import { reader, rowsOf, TEXT, textOf, type RawText } from './schema.js';

interface RawLine {
  t?: RawText;
}

const readLines = reader<RawLine[]>(rowsOf({ t: TEXT }, []));
/** The new VMID stands in the first line; copying the disks may write thousands. */
const LINES = 20;

/**
 * The VMID that a clone made, which its task names nowhere but in the first lines of its log, "creating a clone of VM 100 with ID 104"
 * (API2/Qemu.pm and API2/LXC.pm, clone_vm); null where the log does not tell. Needs Sys.Audit on the node for tasks of others.
 */
export async function fetchClonedVmid(
  api: ProxmoxApi,
  node: string,
  upid: string,
  clock: Clock,
): Promise<Seen<number | null>> {
  const path = `/nodes/${encodeURIComponent(node)}/tasks/${encodeURIComponent(upid)}/log`;
  const { seen } = await ask(api, clock, path, { start: 0, limit: LINES }, (answer) =>
    clonedVmid(readLines(answer.data, `GET ${path}`).map((line) => textOf(line.t) ?? '')),
  );
  return seen;
}

/** The new VMID among a clone's log lines, or null. */
export function clonedVmid(lines: readonly string[]): number | null {
  for (const line of lines) {
    const vmid = /^creat\w* (?:full |linked )?clone of (?:VM|CT) \d+ with ID (\d+)/i.exec(
      line.replace(/\ba /, ''),
    )?.[1];
    if (vmid !== undefined) return Number(vmid);
  }
  return null;
}
