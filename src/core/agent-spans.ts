import { inStampOrder, READING_AGE_MS, type AgentReport } from './agent-report.js';
import type { Exchange } from './observation.js';
import { runningSpan, stoppedSpan, type Span } from './span.js';
import { intersect, meets, widen } from './window.js';

/** Two readings of one process's start by an agent differ by no more. */
const JITTER_MS = 3_000;

/**
 * The spans that an agent's reports amount to (ledger rule 22), the same for any order and number of them. `contactAt` is
 * the agent's last contact, by node: it proves that what was reported last still held ten seconds earlier.
 */
export function agentSpans(reports: readonly AgentReport[], contactAt: ReadonlyMap<number, number>): Span[] {
  const walk = new Walk();
  for (const report of inStampOrder(reports)) walk.take(report);
  return walk.finish(contactAt);
}

/** One walk through the reports in order of their stamps. */
class Walk {
  private readonly spans: Span[] = [];
  /** False after what proves nothing: contacts since then say nothing either. */
  private isSure = true;
  /** How far the run was proven when a start was told of what ran already: a stop before it may not have been delivered. */
  private beforeDoubt: Exchange | null = null;
  /** The snapshot that did not list the guest, if the report before was one. */
  private absent: AgentReport | null = null;

  take(report: AgentReport): void {
    if (report.state === 'unknown') {
      // A person ended the tracking: until then the last contact counts.
      if (report.isEdge) this.hold(report);
      this.isSure = false;
      return;
    }
    if (report.state === 'absent') {
      this.takeAbsent(report);
      return;
    }
    const last = this.spans.at(-1);
    // A guest that moved is stopped here and started there: what its old node says late is no end of its run on the new one.
    const isLate = last?.state === 'running' && last.nodeId !== report.nodeId && report.state === 'stopped';
    if (isLate) return;
    this.absent = null;
    if (report.isEdge && report.state === 'running') this.doubt(report);
    this.hold(report);
    this.isSure = true;
    if (report.state === 'stopped') this.takeStopped(report.nodeId, exchangeOf(report), report.source);
    else this.takeRunning(report);
  }

  /** A start of what ran already: only one that is news, and no second delivery of the start that it ran by. */
  private doubt({ window }: AgentReport): void {
    const last = this.spans.at(-1);
    if (last?.state === 'running' && window.latest > last.last.receivedAt) this.beforeDoubt ??= last.last;
  }

  /** Missing from one full snapshot is not seen, from two it is stopped. */
  private takeAbsent(report: AgentReport): void {
    const last = this.spans.at(-1);
    if (last?.state !== 'running' || last.nodeId !== report.nodeId) return;
    if (this.absent === null || this.absent.window.latest === report.window.latest) {
      this.absent = report;
      this.isSure = false;
      return;
    }
    this.takeStopped(report.nodeId, { sentAt: this.absent.window.earliest, receivedAt: report.window.latest }, 'agent');
    this.isSure = true;
    this.absent = null;
  }

  /** The last state held until the contact before this report, unless a delivery between is missing: then that contact may have followed it. */
  private hold(report: AgentReport): void {
    const last = this.spans.at(-1);
    if (last?.nodeId !== report.nodeId || !this.isSure || report.contactBeforeAt === null) return;
    const isMissing = report.state === 'running' ? !report.isEdge && !isSameProcess(last, report) : !report.isEdge;
    if (isMissing && (report.state === 'running' || last.state === 'running')) return;
    this.extend(last, contact(report.contactBeforeAt));
  }

  private takeStopped(nodeId: number, at: Exchange, source: Span['source']): void {
    const last = this.spans.at(-1);
    this.beforeDoubt = null;
    if (last?.state === 'stopped' && last.nodeId === nodeId) this.extend(last, at);
    else this.spans.push({ ...stoppedSpan(nodeId, at), source });
  }

  private takeRunning(report: AgentReport): void {
    const last = this.spans.at(-1);
    const at = exchangeOf(report);
    if (last === undefined || !isSameProcess(last, report)) {
      const { start, isYoung, source, actor = null } = report;
      if (last?.state === 'running' && this.beforeDoubt !== null) last.last = this.beforeDoubt;
      this.beforeDoubt = null;
      this.spans.push({ ...runningSpan(report.nodeId, null, at, null), start, isYoung, source, actor });
      return;
    }
    this.extend(last, at);
    if (report.start !== null) this.beforeDoubt = null;
    last.start = last.start === null || report.start === null ? (last.start ?? report.start) : narrowed(last, report);
    last.isYoung ||= report.isYoung;
  }

  private extend(span: Span, to: Exchange): void {
    if (to.sentAt > span.last.sentAt && to.receivedAt >= span.last.receivedAt) span.last = to;
  }

  finish(contactAt: ReadonlyMap<number, number>): Span[] {
    const last = this.spans.at(-1);
    const at = last === undefined ? undefined : contactAt.get(last.nodeId);
    if (last !== undefined && at !== undefined && this.isSure) this.extend(last, contact(at));
    return this.spans;
  }
}

function exchangeOf({ window }: AgentReport): Exchange {
  return { sentAt: window.earliest, receivedAt: window.latest };
}

function contact(at: number): Exchange {
  return { sentAt: at - READING_AGE_MS, receivedAt: at };
}

function isSameProcess(span: Span, report: AgentReport): boolean {
  if (span.state !== 'running' || span.nodeId !== report.nodeId) return false;
  if (report.start === null) return true;
  // A run that was told without an uptime is of a process that was there when it was told.
  if (span.start === null) return report.start.earliest - JITTER_MS <= span.first.receivedAt;
  return meets(widen(span.start, JITTER_MS), report.start);
}

/** Two readings that exclude each other by less than their jitter: the first keeps its word. */
function narrowed(span: Span, report: AgentReport): Span['start'] {
  return span.start === null || report.start === null ? null : (intersect(span.start, report.start) ?? span.start);
}
