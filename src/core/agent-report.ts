import { startByUptime, YOUNG_MS } from './span.js';
import type { Window } from './window.js';

/** An agent's contact can be this much newer than the reading behind it (ledger rule 22). */
export const READING_AGE_MS = 10_000;

/** What an agent, or a person, said of one guest, as a fact on the manager's clock; kept whatever came before or after it. */
export interface AgentReport {
  /** Our row's id; null until it is written. Of reports with one stamp the one that arrived first comes first. */
  id: number | null;
  nodeId: number;
  source: 'agent' | 'manual';
  /** `unknown`: it said that it does not know. `absent`: its full snapshot did not list the guest. */
  state: 'running' | 'stopped' | 'unknown' | 'absent';
  /** True for a start or a stop, false for a row of a snapshot. */
  isEdge: boolean;
  /** The guest was in that state at some instant within; `latest` is the report's stamp. */
  window: Window;
  /** The process's start by the snapshot's uptime; null where it told none. */
  start: Window | null;
  isYoung: boolean;
  /** The agent's last contact of any kind before this report; null where there was none. */
  contactBeforeAt: number | null;
  /** The person whose word it is; absent of agents' reports. */
  actor?: string | null;
}

/** What a report is made of once its stamp is on the manager's clock. */
export interface ReportInput extends Pick<
  AgentReport,
  'nodeId' | 'source' | 'state' | 'isEdge' | 'contactBeforeAt' | 'window'
> {
  /** Whole seconds since the guest's process started, where a snapshot tells it. */
  uptimeS: number | null;
}

/** A report from its parts. An uptime of 0 tells nothing, and neither does one of what does not run (ledger rule 7). */
export function reportFrom({ uptimeS, ...input }: ReportInput): AgentReport {
  const isTold = input.state === 'running' && uptimeS !== null && uptimeS > 0;
  const sample = { sentAt: input.window.earliest, receivedAt: input.window.latest, uptimeS: uptimeS ?? 0 };
  return {
    ...input,
    id: null,
    start: isTold ? startByUptime(sample) : null,
    isYoung: isTold && (uptimeS ?? 0) * 1000 < YOUNG_MS,
  };
}

/** Reports by their stamps, whatever order they arrived in; of one stamp a stop comes before a start. */
export function inStampOrder(reports: readonly AgentReport[]): AgentReport[] {
  const rank = (report: AgentReport): number => (report.state === 'stopped' ? 0 : 1);
  return [...reports].sort(
    (a, b) =>
      a.window.latest - b.window.latest || rank(a) - rank(b) || (a.id ?? Infinity) - (b.id ?? Infinity) || order(a, b),
  );
}

/** So that reports that are alike but for what they say come in one order too. */
function order(a: AgentReport, b: AgentReport): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
