import type { OverviewView } from '../../ledger/queries/overview.js';
import type { Unseen } from '../../ledger/queries/pages-unseen.js';
import type { Usage } from '../../ledger/queries/pages-usage.js';
import type { NodeView } from '../../ledger/queries/read-model.js';
import { agoText, boundText, countOf, countText, durationFigure, percentText } from './pages-figures.js';
import { nodeHealth } from './pages-nodes.js';

export interface StatCard {
  label: string;
  value: string;
  unit: string;
  note: string;
  /** A state's mark before the note; empty: none. */
  mark: string;
}

export interface OverviewFigures {
  counts: OverviewView;
  nodes: readonly NodeView[];
  month: string;
  usage: Usage;
  unseen: Unseen;
  startedToday: number;
  asOf: number;
}

/** The four cards above the overview. */
export function statCards(figures: OverviewFigures): StatCard[] {
  return [runningCard(figures), timeCard(figures), unseenCard(figures), nodesCard(figures)];
}

function runningCard({ counts, startedToday }: OverviewFigures): StatCard {
  const notes = [`${countText(counts.stoppedCount)} stopped`];
  if (counts.notSeenCount > 0) notes.push(`${countText(counts.notSeenCount)} not seen`);
  notes.push(`${countOf(startedToday, 'start')} since midnight`);
  return {
    label: 'Running now',
    value: countText(counts.runningCount),
    unit: `of ${countOf(counts.guestCount, 'guest')}`,
    note: notes.join(' · '),
    mark: '',
  };
}

function timeCard({ month, usage }: OverviewFigures): StatCard {
  const [hours, ...rest] = durationFigure(usage.runningMs, { seconds: usage.runningMs < 3_600_000 }).parts;
  return {
    label: `Running time in ${month}`,
    value: hours?.n ?? '0',
    unit: [hours?.u ?? 's', ...rest.map((part) => `${part.n} ${part.u}`)].join(' '),
    note: `${boundText(usage.errorMs)} over ${countOf(usage.sessionCount, 'session')}`,
    mark: '',
  };
}

function unseenCard({ month, usage, unseen }: OverviewFigures): StatCard {
  const text = (ms: number): string => durationFigure(ms, { seconds: ms < 3_600_000 }).text;
  const notes = [unseen.unseenMs === 0 ? 'nothing is unproven' : `${text(unseen.unseenMs)} of guests’ time`];
  if (unseen.provenLaterMs > 0) notes.push(`${text(unseen.provenLaterMs)} more proven since`);
  const share = unseen.unseenMs / Math.max(1, usage.runningMs + unseen.openMs);
  return {
    label: `Not seen in ${month}`,
    value: percentText(Math.min(1, share)),
    unit: '%',
    note: notes.join(' · '),
    mark: unseen.openMs > 0 ? 'not_seen' : '',
  };
}

function nodesCard({ counts, nodes, asOf }: OverviewFigures): StatCard {
  const severity = ['partial', 'unreachable', 'unauthorized', 'tls_error'];
  const ill = nodes
    .filter((node) => node.health !== 'online')
    .sort((a, b) => severity.indexOf(b.health) - severity.indexOf(a.health));
  const [first] = ill;
  return {
    label: 'Nodes',
    value: countText(counts.onlineNodeCount),
    unit: `of ${countText(counts.nodeCount)} online`,
    note: first === undefined ? 'all answer' : illText(first, ill.length, asOf),
    mark: first === undefined ? 'online' : first.health,
  };
}

function illText(node: NodeView, count: number, asOf: number): string {
  const since = node.lastSeenAt === null || node.health === 'partial' ? '' : ` for ${agoText(asOf - node.lastSeenAt)}`;
  const more = count > 1 ? ` and ${count - 1} more` : '';
  return `${node.name} ${nodeHealth(node.health).word}${since}${more}`;
}
