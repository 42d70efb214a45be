import type { Clock } from '../clock.js';
import type { GuestType, Seen } from '../core/observation.js';
import type { GuestBins, RrdBin } from '../core/rrd.js';
import type { RrdTimeframe } from '../core/rrd-wanted.js';
import { ask } from './ask.js';
import type { ProxmoxApi } from './client.js';
import { notSeen } from './errors.js';
import { AMOUNT, numberOf, reader, type RawNumber } from './schema.js';

interface RawRow {
  time: RawNumber;
  mem?: RawNumber;
  maxmem?: RawNumber;
}

const readRows = reader<RawRow[]>({
  type: 'array',
  items: { type: 'object', properties: { time: AMOUNT, mem: AMOUNT, maxmem: AMOUNT }, required: ['time'] },
});

/**
 * What the node kept of a guest's load, as running or stopped by bins; needs VM.Audit on /vms/{vmid}. pvestatd writes a guest's
 * size whenever it looks, and its used memory only where there is a process: a bin without either tells nothing.
 */
export async function fetchRrd(
  api: ProxmoxApi,
  node: string,
  { type, vmid, timeframe }: { type: GuestType; vmid: number; timeframe: RrdTimeframe },
  clock: Clock,
): Promise<Seen<GuestBins>> {
  const path = `/nodes/${encodeURIComponent(node)}/${type}/${vmid}/rrddata`;
  const { seen, error } = await ask(api, clock, path, { timeframe, cf: 'AVERAGE' }, (answer) => {
    const bins = binsOf(readRows(answer.data, `GET ${path}`));
    return { type, vmid, bins };
  });
  return error === null ? seen : notSeen(error, seen);
}

/** The rows that say something; how long a bin is, is told by the distance of their stamps alone. */
export function binsOf(rows: readonly RawRow[]): RrdBin[] {
  const stamps = rows.map(({ time }) => numberOf(time) ?? 0);
  const steps = stamps.flatMap((at, k) => (k === 0 ? [] : [at - (stamps[k - 1] ?? at)]));
  const stepS = steps.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  if (!Number.isInteger(stepS) || stepS < 60) return [];
  return rows.flatMap(({ mem, maxmem }, k) => {
    const state = numberOf(mem) !== null ? 'running' : numberOf(maxmem) !== null ? 'stopped' : null;
    return state === null ? [] : [{ stampS: stamps[k] ?? 0, stepS, state }];
  });
}
