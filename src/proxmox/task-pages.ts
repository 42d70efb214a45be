import type { Exchange, TaskPages, TaskRow } from '../core/observation.js';
import type { Log } from '../log.js';
import { taskRows } from './answers.js';
import type { Answer, ProxmoxApi } from './client.js';

const PAGE_ROWS = 100;
/** Rows read twice on purpose: a task that ends while a page is read stands in it twice, so the next page may begin too late. */
const OVERLAP_ROWS = 10;
const MAX_PAGES = 60;

export interface TaskReading {
  pages: TaskPages;
  /** From the first page's sending to the last one's receiving. */
  exchange: Exchange;
}

interface Page {
  /** The rows that Proxmox sent, those that we cannot read among them. */
  rowCount: number;
  rows: TaskRow[];
}

/**
 * Reads a node's task log until it meets a finished UPID that is known, or the log's end (ledger rule 4). Without `since`,
 * which compares start times and so would hide a long migration. Running tasks stand first, then the archive in the order of
 * archiving, newest first: what follows a known finished row was archived before it. Throws ProxmoxError.
 */
export async function readTaskPages(
  api: ProxmoxApi,
  node: string,
  isKnownFinished: (upid: string) => boolean,
  parts: { log: Log; onAnswer?: (answer: Answer) => void },
): Promise<TaskReading> {
  const byUpid = new Map<string, TaskRow>();
  const exchange: Exchange = { sentAt: Infinity, receivedAt: -Infinity };
  const path = `/nodes/${encodeURIComponent(node)}/tasks`;
  let start = 0;
  let lastArchived: string | null = null;

  const readPage = async (): Promise<Page> => {
    const answer = await api.get(path, { source: 'all', start, limit: PAGE_ROWS });
    parts.onAnswer?.(answer);
    exchange.sentAt = Math.min(exchange.sentAt, answer.sentAt);
    exchange.receivedAt = Math.max(exchange.receivedAt, answer.receivedAt);
    return pageOf(taskRows(answer.data, `GET ${path}`, parts.log));
  };

  const done = (metKnown: boolean, isComplete: boolean): TaskReading => ({
    pages: { rows: [...byUpid.values()], metKnown, isComplete },
    exchange,
  });

  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = await readPage();
    for (const row of page.rows) keep(byUpid, row);
    if (!isJoined(page, lastArchived, start)) {
      // The log moved up by more than the overlap: between this page and the last one, rows may have been passed over.
      start = Math.max(0, start - PAGE_ROWS);
      continue;
    }
    if (page.rows.some((row) => row.endTimeS !== null && isKnownFinished(row.upid))) return done(true, true);
    if (page.rowCount < PAGE_ROWS) return done(false, true);
    lastArchived = page.rows.findLast((row) => row.endTimeS !== null)?.upid ?? lastArchived;
    start += PAGE_ROWS - OVERLAP_ROWS;
  }
  return done(false, false);
}

function pageOf(rows: (TaskRow | null)[]): Page {
  return { rowCount: rows.length, rows: rows.filter((row) => row !== null) };
}

/** True when the page holds the last archived row read before it, so that nothing lies unread between the two. */
function isJoined(page: Page, lastArchived: string | null, start: number): boolean {
  if (lastArchived === null || start === 0) return true;
  return page.rows.some((row) => row.endTimeS !== null && row.upid === lastArchived);
}

/** Each UPID once, where it first stood; the finished row replaces the running one. */
function keep(byUpid: Map<string, TaskRow>, row: TaskRow): void {
  const known = byUpid.get(row.upid);
  if (known === undefined || known.endTimeS === null) byUpid.set(row.upid, row);
}
