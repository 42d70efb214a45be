import type { Clock } from '../clock.js';
import type { JournalLine } from '../core/journal.js';
import { wantedJournal } from '../core/journal-wanted.js';
import type { Seen } from '../core/observation.js';
import { middle } from '../core/window.js';
import type { Log } from '../log.js';
import { fetchJournal } from '../proxmox/journal.js';
import type { Member, Route } from './member.js';

/** Lines may be written a little before and after what they tell of. */
const MARGIN_S = 35;
/** A node that refused its journal is left alone so long. */
const REFUSED_MS = 3_600_000;

/** Reads the journal of a node for ends that no task explains, where its entry allows it (`journal: true`): one call a node and poll at most. */
export class JournalReader {
  /** By node: the ends that were asked for. */
  private readonly asked = new Map<number, Set<string>>();
  private readonly refusedUntil = new Map<number, number>();

  constructor(private readonly parts: { clock: Clock; log: Log }) {}

  /** The lines around the node's unexplained ends; undefined where none is to be asked for. */
  async read(member: Member, { api, entry }: Route): Promise<Seen<JournalLine[]> | undefined> {
    const now = this.parts.clock.now();
    if (!entry.config.journal || (this.refusedUntil.get(member.nodeId) ?? 0) > now) return undefined;
    const { guests, nodes } = member.ledger.state;
    const wanted = wantedJournal(guests.values(), member.nodeId, now, this.askedOf(member));
    const clock = nodes.get(member.nodeId)?.clock ?? null;
    if (wanted === null || clock === null) return undefined;
    const offsetMs = middle(clock.offset);
    const answer = await fetchJournal(
      api,
      member.node,
      {
        sinceS: Math.floor((wanted.window.earliest + offsetMs) / 1000) - MARGIN_S,
        untilS: Math.ceil((wanted.window.latest + offsetMs) / 1000) + MARGIN_S,
      },
      this.parts.clock,
    );
    if (answer.kind === 'seen') for (const key of wanted.keys) this.askedOf(member).add(key);
    else this.refused(member, answer.reason, answer.detail, now);
    return answer;
  }

  private refused(member: Member, reason: string, detail: string, now: number): void {
    // Out of reach is a matter of the next poll; a refusal is one of the token, and the ends keep their bounds meanwhile.
    if (reason === 'unreachable') return;
    this.refusedUntil.set(member.nodeId, now + REFUSED_MS);
    this.parts.log.warn(
      `the journal of ${member.name} was not read: ${detail}. The token and its user need a role with Sys.Syslog on /, or set journal: false in its entry`,
      { node: member.name },
    );
  }

  private askedOf({ nodeId }: Member): Set<string> {
    const asked = this.asked.get(nodeId) ?? new Set<string>();
    this.asked.set(nodeId, asked);
    return asked;
  }
}
