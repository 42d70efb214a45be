import { once } from 'node:events';
import { median } from './measure.js';

/** The client of bench/ingest.ts, a process of its own: so many calls a second of each kind, bounded in count and time. */
const [, , url = '', key = '', ...chosen] = process.argv;
const GUESTS = 1000;
const MAX_MS = 10_000;
const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };

async function say(call: string, body: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`${url}/api/ingest/${call}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${call}: ${answer.status} ${said}`);
}

const snapshot = (status: string): Record<string, unknown> => ({
  node: 'snapshots',
  vms: Array.from({ length: GUESTS }, (_, k) => ({ vm_id: `${100 + k}`, vm_type: 'qemu', name: `guest-${k}`, status })),
});

async function managerCpuMs(): Promise<number> {
  process.send?.('cpu');
  const [cpuMs] = (await once(process, 'message')) as [number];
  return cpuMs;
}

interface Rate {
  aSecond: number;
  cpuMs: number;
}

/** Calls a second with so many under way at once, and the manager's CPU time a call. */
async function rate(count: number, atOnce: number, call: (k: number) => Promise<void>): Promise<Rate> {
  const cpuBefore = await managerCpuMs();
  const startedMs = performance.now();
  let done = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count && performance.now() - startedMs < MAX_MS) {
      await call(next++);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const aSecond = (done * 1000) / (performance.now() - startedMs);
  return { aSecond, cpuMs: ((await managerCpuMs()) - cpuBefore) / done };
}

const edge = (node: string) => (k: number) =>
  say(k % 2 === 0 ? 'vm-start' : 'vm-stop', { node, vm_id: `${100 + ((k >> 1) % GUESTS)}`, event_id: `${node}-${k}` });

async function measure(name: string, what: string, target: number, work: () => Promise<Rate>): Promise<void> {
  if (chosen.length > 0 && !chosen.includes(name)) return;
  const { aSecond, cpuMs } = await work();
  const missed = aSecond < target ? ': missed' : '';
  console.log(`| ${what} | ${aSecond.toFixed(1)} | ${target}${missed} | ${cpuMs.toFixed(1)} ms |`);
}

const PAGES = ['/api/vms', '/', '/guests/1'];
const TARGET_MS = 100;

/** Asks each of the pages again and again while the work is under way, one at a time as a person does. */
async function watched<T>(work: () => Promise<T>): Promise<T> {
  const times = new Map<string, number[]>(PAGES.map((page) => [page, []]));
  let isOver = false;
  const watch = async (): Promise<void> => {
    for (let k = 0; !isOver; k += 1) {
      const page = PAGES[k % PAGES.length] ?? '';
      const startedMs = performance.now();
      const answer = await fetch(`${url}${page}`, { headers });
      await answer.text();
      if (!answer.ok) throw new Error(`${page}: ${answer.status}`);
      times.get(page)?.push(performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const watching = watch();
  const result = await work();
  isOver = true;
  await watching;
  for (const [page, all] of times)
    waits.push(`| GET ${page} | ${told(median(all))} | ${told(late(all))} | ${all.length} |`);
  return result;
}

const waits: string[] = [];
const told = (ms: number): string => `${ms.toFixed(0)} ms${ms >= TARGET_MS ? ': missed' : ''}`;
const late = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? 0;

console.log('| calls | a second | target | CPU of the manager a call |\n|---|---|---|---|');
await say('vm-states', snapshot('running'));
await measure('unchanged', 'vm-states of 1,000 guests, none changed', 50, () =>
  rate(200, 1, () => say('vm-states', snapshot('running'))),
);
const flip = (k: number): Promise<void> => say('vm-states', snapshot(k % 2 === 0 ? 'stopped' : 'running'));
await measure('changed', 'vm-states of 1,000 guests, all changed', 5, () => rate(20, 1, flip));
await measure('single', 'vm-start and vm-stop, one by one', 300, () => rate(1000, 1, edge('one')));
await measure('many', 'vm-start and vm-stop, 50 at once', 1200, () => rate(4000, 50, edge('many')));
await measure('pages', 'vm-start and vm-stop, 50 at once, pages asked beside them', 1200, () =>
  watched(() => rate(4000, 50, edge('watched'))),
);
if (waits.length > 0) {
  console.log(
    `\n| page meanwhile, target ${TARGET_MS} ms | median | p95 | asked |\n|---|---|---|---|\n${waits.join('\n')}`,
  );
}
process.disconnect();
