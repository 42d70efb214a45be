import type { ClusterState } from './cluster-state.js';
import type { GuestState } from './guest.js';
import type { GuestType } from './observation.js';

const NONE: ReadonlySet<string> = new Set();

/** Which guests each node's last lists held, so that a poll looks at the guests of its own node and at no others of its cluster. */
export class OpenGuests {
  private readonly keys = new Map<string, Set<string>>();

  /** The keys of the guests of one type that are open on the node. */
  on(nodeId: number, type: GuestType): ReadonlySet<string> {
    return this.keys.get(`${type}@${nodeId}`) ?? NONE;
  }

  /** Takes over that a guest is now as `after`. */
  move(key: string, before: GuestState | null, after: GuestState): void {
    if (before?.isOpen === after.isOpen && before.nodeId === after.nodeId) return;
    if (before?.isOpen === true) this.keys.get(`${before.type}@${before.nodeId}`)?.delete(key);
    if (!after.isOpen) return;
    const list = `${after.type}@${after.nodeId}`;
    const open = this.keys.get(list);
    if (open === undefined) this.keys.set(list, new Set([key]));
    else open.add(key);
  }
}

/** The open guests of a cluster, as `commit` keeps them. */
export function openGuests(state: ClusterState): OpenGuests {
  if (state.open !== undefined) return state.open;
  const open = new OpenGuests();
  for (const [key, guest] of state.guests) open.move(key, null, guest);
  return open;
}
