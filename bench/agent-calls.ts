import { median } from './measure.js';

/** The client of bench/ingest.ts, a process of its own: so many calls a second of each kind, bounded in count and time. */
const [, , url = '', key = ''] = process.argv;
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

/** Calls a second with so many under way at once. */
async function rate(count: number, atOnce: number, call: (k: number) => Promise<void>): Promise<number> {
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
  return (done * 1000) / (performance.now() - startedMs);
}

const edge = (node: string) => (k: number) =>
  say(k % 2 === 0 ? 'vm-start' : 'vm-stop', { node, vm_id: `${100 + ((k >> 1) % GUESTS)}`, event_id: `${node}-${k}` });

function tell(what: string, found: number, target: number): void {
  console.log(`| ${what} | ${found.toFixed(1)} | ${target}${found < target ? ': missed' : ''} |`);
}

console.log('| calls a second | measured | target |\n|---|---|---|');
await say('vm-states', snapshot('running'));
tell('vm-states of 1,000 guests, none changed', await rate(200, 1, () => say('vm-states', snapshot('running'))), 50);
const flip = (k: number): Promise<void> => say('vm-states', snapshot(k % 2 === 0 ? 'stopped' : 'running'));
tell('vm-states of 1,000 guests, all changed', await rate(20, 1, flip), 5);
tell('vm-start and vm-stop, one by one', await rate(1000, 1, edge('one')), 300);
const pages: number[] = [];
const watch = setInterval(() => {
  const startedMs = performance.now();
  void fetch(`${url}/api/vms`, { headers })
    .then((answer) => answer.text())
    .then(() => pages.push(performance.now() - startedMs));
}, 200);
tell('vm-start and vm-stop, 50 at once', await rate(4000, 50, edge('many')), 1200);
clearInterval(watch);
console.log(`\nGET /api/vms meanwhile: median ${median(pages).toFixed(0)} ms of ${pages.length} (target 100)`);
