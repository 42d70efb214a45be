import type { Clock } from '../clock.js';
import type { Seen } from '../core/observation.js';
import type { GuestBins } from '../core/rrd.js';
import { wantedRrd } from '../core/rrd-wanted.js';
import { fetchRrd } from '../proxmox/rrd.js';
import type { Member, Route } from './member.js';

/** Reads a guest's rrd data for a wide end that nothing else tells (ledger rule 9): one call a node and poll at most. */
export class RrdReader {
  /** By node: the questions that were answered, or refused. */
  private readonly asked = new Map<number, Set<string>>();

  constructor(private readonly parts: { clock: Clock }) {}

  /** The bins of one guest of the node; undefined where none is to be asked for. */
  async read(member: Member, { api }: Route): Promise<Seen<GuestBins> | undefined> {
    const now = this.parts.clock.now();
    const asked = this.askedOf(member);
    const wanted = wantedRrd(member.ledger.state.guests.values(), member.nodeId, now, asked);
    if (wanted === null) return undefined;
    const answer = await fetchRrd(api, member.node, wanted, this.parts.clock);
    // Out of reach is a matter of the next poll; what is refused, or cannot be read, leaves the end as wide as it is.
    if (answer.kind === 'seen' || answer.reason !== 'unreachable') asked.add(wanted.key);
    return answer;
  }

  private askedOf({ nodeId }: Member): Set<string> {
    const asked = this.asked.get(nodeId) ?? new Set<string>();
    this.asked.set(nodeId, asked);
    return asked;
  }
}
