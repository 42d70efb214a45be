import type { NodeObservation } from '../core/observation.js';
import { observeNode } from '../proxmox/observe.js';
import type { CollectParts } from './collect.js';
import { judge } from './health.js';
import type { JournalReader } from './journal.js';
import type { Member, Route } from './member.js';
import { withPermission } from './permission.js';
import type { RrdReader } from './rrd.js';

/** The node's own status (uptime, version) is asked this often, and after every failed poll. */
const STATUS_MS = 5 * 60_000;
/** A way that failed where another one worked is passed over this long. */
const AVOID_MS = 5 * 60_000;

export interface Observed {
  observation: NodeObservation;
  /** What the token that saw it lacks. */
  missing: string | null;
}

/** Looks at nodes by the ways that lead there; knows no ledger. */
export class NodeObserver {
  constructor(
    private readonly parts: Pick<CollectParts, 'config' | 'clock' | 'log'>,
    private readonly readers: { journals: JournalReader; rrds: RrdReader },
  ) {}

  /** The first route that sees the node, with what its token lacks; where none does, what the first one told. */
  async observe(member: Member): Promise<Observed> {
    const now = this.parts.clock.now();
    const isAvoided = ({ api }: Route): boolean => (member.avoidedUntil.get(api) ?? 0) > now;
    const routes = [...member.routes].sort((a, b) => Number(isAvoided(a)) - Number(isAvoided(b)));
    let first: Observed | null = null;
    for (const [k, route] of routes.entries()) {
      // Before its first answer an entry may be asked for its token's permissions; they belong to the first status.
      if (route.entry.askedAt === null) await route.entry.asking;
      const observation = await this.observeBy(member, route);
      const { missing } = route.entry;
      if (judge(observation, null).health === 'online') {
        for (const failed of routes.slice(0, k)) member.avoidedUntil.set(failed.api, now + AVOID_MS);
        return { observation: await withPermission(member, route, observation, this.parts.clock), missing };
      }
      first ??= { observation, missing };
    }
    if (first === null) throw new Error(`no way to node ${member.name} is known`);
    return first;
  }

  private async observeBy(member: Member, route: Route): Promise<NodeObservation> {
    const { clock, log, config } = this.parts;
    const askStatus =
      member.isFailing || member.statusAskedAt === null || clock.now() - member.statusAskedAt >= STATUS_MS;
    const isFirstContact = member.known.size === 0;
    const observation = await observeNode(
      route.api,
      {
        node: member.node,
        trackQemu: config.polling.trackQemu,
        trackLxc: config.polling.trackLxc,
        isKnownFinished: (upid) => member.known.has(upid) || (isFirstContact && !config.polling.backfill),
        askStatus,
        isDirect: route.isDirect,
      },
      { clock, log },
    );
    if (observation.status?.kind === 'seen') member.statusAskedAt = clock.now();
    if (judge(observation, null).health !== 'online') return observation;
    const journal = await this.readers.journals.read(member, route);
    if (journal !== undefined) return { ...observation, journal };
    // What the journal tells is exact: only what it leaves wide is asked further.
    const rrd = await this.readers.rrds.read(member, route);
    return rrd === undefined ? observation : { ...observation, rrd };
  }
}
