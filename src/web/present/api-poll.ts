import type { PollReport } from '../../core/poll-report.js';

/** True unless there were nodes and none answered. */
export function isAnswered(report: PollReport): boolean {
  return report.nodes.length === 0 || report.nodes.some((node) => node.isSeen);
}

/** One sentence on a round: "3 of 4 nodes answered." */
export function roundSentence(report: PollReport): string {
  const { length } = report.nodes;
  if (length === 0) return 'There are no nodes to poll.';
  const seen = report.nodes.filter((node) => node.isSeen).length;
  return `${seen} of ${length} ${length === 1 ? 'node' : 'nodes'} answered.`;
}

/** The answer to `sessions/sync`: `errors` names each node that did not answer. */
export function presentSync(report: PollReport) {
  return {
    success: isAnswered(report),
    message: roundSentence(report),
    sessions_created: report.sessionsCreated,
    sessions_updated: report.sessionsUpdated,
    sessions_skipped: report.sessionsSkipped,
    errors: report.nodes
      .filter((node) => !node.isSeen)
      .map((node) => `${node.node}: ${node.error ?? 'it did not answer'}`),
  };
}

/** The answer to force-sync: nodes that answered a poll now, and agents that are told at their next heartbeat. */
export function presentForceSync(report: PollReport, agentCount: number) {
  const told = `${agentCount} ${agentCount === 1 ? 'agent is' : 'agents are'} told at the next heartbeat.`;
  const polled = agentCount > 0 && report.nodes.length === 0 ? [] : [roundSentence(report)];
  return {
    success: isAnswered(report) || agentCount > 0,
    message: [...polled, ...(agentCount === 0 ? [] : [told])].join(' '),
    nodes_notified: report.nodes.filter((node) => node.isSeen).length + agentCount,
  };
}
