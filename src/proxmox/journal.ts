import type { Clock } from '../clock.js';
import type { JournalLine } from '../core/journal.js';
import type { Seen } from '../core/observation.js';
import { ask } from './ask.js';
import type { ProxmoxApi } from './client.js';
import { notSeen } from './errors.js';
import { AMOUNT, numberOf, reader, type RawNumber } from './schema.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const LINE = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\S+) [^[:]+(?:\[\d+\])?: (.*)$/;

const readLines = reader<unknown[]>({ type: 'array' });
const readTime = reader<{ time?: RawNumber; localtime?: RawNumber }>({
  type: 'object',
  properties: { time: AMOUNT, localtime: AMOUNT },
  required: ['time', 'localtime'],
});

/**
 * The node's journal between two instants of its own clock (epoch seconds), oldest first. Lines bear the node's local time,
 * so its zone is asked as well: two requests. Needs Sys.Syslog on /nodes/{node}; lines that cannot be read are left out.
 */
export async function fetchJournal(
  api: ProxmoxApi,
  node: string,
  { sinceS, untilS }: { sinceS: number; untilS: number },
  clock: Clock,
): Promise<Seen<JournalLine[]>> {
  const base = `/nodes/${encodeURIComponent(node)}`;
  const zone = await ask(api, clock, `${base}/time`, {}, (answer) => {
    const { time, localtime } = readTime(answer.data, `GET ${base}/time`);
    return (numberOf(localtime) ?? 0) - (numberOf(time) ?? 0);
  });
  if (zone.seen.kind !== 'seen') return zone.seen;
  const aheadS = zone.seen.value;
  const { seen, error } = await ask(api, clock, `${base}/journal`, { since: sinceS, until: untilS }, (answer) =>
    readLines(answer.data, `GET ${base}/journal`).flatMap((line) => {
      const read = typeof line === 'string' ? journalLine(line, { aheadS, nearS: untilS }) : null;
      return read === null || read.stampS < sinceS || read.stampS > untilS ? [] : [read];
    }),
  );
  return error === null ? seen : notSeen(error, seen);
}

/**
 * A line `Mon DD HH:MM:SS HOST IDENT[PID]: MESSAGE` of a node whose local time is `aheadS` seconds ahead of UTC; the year is
 * the one that brings it nearest to `nearS`. Null for anything else: cursors, and lines that go on from the one before.
 */
export function journalLine(text: string, { aheadS, nearS }: { aheadS: number; nearS: number }): JournalLine | null {
  const [, month = '', day, hour, minute, second, , message] = LINE.exec(text) ?? [];
  const monthIndex = MONTHS.indexOf(month);
  if (message === undefined || monthIndex < 0) return null;
  const year = new Date((nearS + aheadS) * 1000).getUTCFullYear();
  const stamps = [year - 1, year, year + 1].map(
    (one) => Date.UTC(one, monthIndex, Number(day), Number(hour), Number(minute), Number(second)) / 1000 - aheadS,
  );
  const stampS = stamps.reduce((best, one) => (Math.abs(one - nearS) < Math.abs(best - nearS) ? one : best));
  return { stampS, message };
}
