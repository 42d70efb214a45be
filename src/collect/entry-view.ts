import type { EntryState, EntryView } from '../core/node-entries.js';
import type { StoredEntry } from '../ledger/stores/node-entries.js';
import type { Entry, Member } from './member.js';
import { leadsTo } from './routes.js';

type Said = Pick<Entry, 'config'>['config'] | StoredEntry['node'];

/** An entry in use as people see it, with what became of it. */
export function entryView(entry: Entry, members: readonly Member[], entries: readonly Entry[]): EntryView {
  const led = members.filter((member) => leadsTo(entry, member));
  const only = led.filter((member) => entries.filter((other) => leadsTo(other, member)).length === 1);
  const own = members.find(({ node, ledger }) => ledger.clusterId === entry.clusterId && node === entry.localNode);
  return {
    ...shownOf(entry.config),
    origin: entry.stored === null ? 'config' : 'database',
    state: stateOf(entry),
    problem: entry.error ?? entry.missing,
    node: own?.name ?? null,
    nodes: namesOf(led),
    onlyNodes: namesOf(only),
  };
}

/** A stored entry that cannot be used, and why. */
export function unusedView(stored: StoredEntry, problem: string): EntryView {
  const nothing = { node: null, nodes: [], onlyNodes: [] };
  return { ...shownOf(stored.node), origin: 'database', state: 'unused', problem, ...nothing };
}

/** What the audit log keeps of an entry: all but its token. */
export function auditedEntry(node: Said): Record<string, unknown> {
  const { name: _name, tokenName, agentNames, trust, ...rest } = shownOf(node);
  const trusted = trust.kind === 'fingerprint' ? { fingerprint: trust.sha256 } : { trust: trust.kind };
  return { ...rest, token_name: tokenName, ...trusted, agent_names: agentNames };
}

function shownOf(
  node: Said,
): Pick<EntryView, 'name' | 'host' | 'port' | 'user' | 'tokenName' | 'trust' | 'scope' | 'journal' | 'agentNames'> {
  const { name, host, port, user, tokenName, trust, scope, journal, agentNames } = node;
  return { name, host, port, user, tokenName, trust, scope, journal, agentNames };
}

function stateOf({ askedAt, error, missing }: Entry): EntryState {
  if (error !== null) return 'failing';
  if (askedAt === null) return 'waiting';
  return missing === null ? 'online' : 'partial';
}

function namesOf(members: readonly Member[]): string[] {
  return members.map(({ name }) => name).sort();
}
