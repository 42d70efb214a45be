import type { NodeHealth, NodeView } from '../../ledger/queries/read-model.js';
import { agoFigure } from './pages-chrome.js';
import { countOf, countText, zoneClock, type InstantFigure } from './pages-figures.js';
import { nodeHref, type StateFigure } from './pages-guests.js';

export interface NodeRow {
  name: string;
  href: string;
  about: string;
  health: StateFigure;
  running: string;
  guests: string;
  lastSeen: (InstantFigure & { ago: string }) | null;
  clock: string;
  boot: InstantFigure | null;
  coverage: InstantFigure | null;
  problem: { what: string; mend: string; tone: 'fault' | 'notseen' } | null;
}

const healthWords: Record<NodeHealth, string> = {
  online: 'online',
  unreachable: 'unreachable',
  unauthorized: 'token refused',
  tls_error: 'certificate not trusted',
  partial: 'permission missing',
};

const mends: Record<NodeHealth, string> = {
  online: '',
  unreachable:
    'Is the node up, and does its port 8006 answer from here? Its guests are kept as they were last seen; nothing ends. “proxmox-tracker test” tells more.',
  unauthorized:
    'Make a new token on the node, put its value into the node’s entry as token_value, and check it with “proxmox-tracker test”.',
  tls_error:
    'If the certificate was renewed, “proxmox-tracker fingerprint HOST” shows the new one: compare it on the node, then put it into the node’s entry.',
  partial:
    'Give the token’s user and the token the role PVEAuditor on the path “/”, then check it with “proxmox-tracker test”.',
};

export function nodeHealth(health: NodeHealth): StateFigure {
  return { mark: health, word: healthWords[health] };
}

/** A row of the nodes page; where something is wrong, what it is and how it is mended. */
export function nodeRow(node: NodeView, zone: string, asOf: number): NodeRow {
  const clock = zoneClock(zone);
  return {
    name: node.name,
    href: nodeHref(node.name),
    about: [node.hostname === node.name ? '' : node.hostname, versionText(node.version)].filter(Boolean).join(' · '),
    health: nodeHealth(node.health),
    running: node.health === 'online' || node.health === 'partial' ? countText(node.runningCount) : '—',
    guests: countText(node.guestCount),
    lastSeen: node.lastSeenAt === null ? null : agoFigure(node.lastSeenAt, asOf, zone),
    clock: node.offsetMs === null ? '—' : offsetText(node.offsetMs),
    boot: node.bootAt === null ? null : clock.instant(node.bootAt, asOf),
    coverage: node.coverageSince === null ? null : clock.instant(node.coverageSince, asOf),
    problem: problemOf(node),
  };
}

function versionText(version: string | null): string {
  return version === null ? '' : version.startsWith('PVE') || version.includes(' ') ? version : `PVE ${version}`;
}

function problemOf(node: NodeView): NodeRow['problem'] {
  if (node.health === 'online' && node.lastError === null) return null;
  const told = node.lastError ?? healthWords[node.health];
  const what = `${told.slice(0, 1).toUpperCase()}${told.slice(1)}`;
  const tone = node.health === 'unreachable' || node.health === 'partial' ? 'notseen' : 'fault';
  return { what: /[.!?]$/.test(what) ? what : `${what}.`, mend: mends[node.health], tone };
}

/** `+0.4 s`: how far the node's clock is ahead of the manager's. */
export function offsetText(offsetMs: number): string {
  const size = Math.abs(offsetMs);
  const sign = offsetMs < 0 ? '−' : '+';
  if (size < 1) return '0 ms';
  return size < 1000 ? `${sign}${Math.round(size)} ms` : `${sign}${(size / 1000).toFixed(1)} s`;
}

/** The nodes by their cluster, standalone ones together at the end: their cluster bears their own name. */
export function nodesByCluster(
  nodes: readonly NodeView[],
  zone: string,
  asOf: number,
): { title: string; nodes: NodeRow[] }[] {
  const clusters = new Map<string, NodeView[]>();
  const isAlone = (node: NodeView): boolean =>
    node.cluster === node.name && nodes.filter((other) => other.clusterId === node.clusterId).length === 1;
  const ordered = [...nodes.filter((node) => !isAlone(node)), ...nodes.filter(isAlone)];
  for (const node of ordered) {
    const key = isAlone(node) ? 'alone' : String(node.clusterId);
    clusters.set(key, [...(clusters.get(key) ?? []), node]);
  }
  return [...clusters].map(([key, members]) => ({
    title: key === 'alone' ? 'Standalone' : `Cluster ${members[0]?.cluster ?? ''} · ${countOf(members.length, 'node')}`,
    nodes: members.map((node) => nodeRow(node, zone, asOf)),
  }));
}
