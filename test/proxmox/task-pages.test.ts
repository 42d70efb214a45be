import { expect } from 'chai';
import fc from 'fast-check';
import type { ProxmoxApi } from '../../src/proxmox/client.js';
import { readTaskPages } from '../../src/proxmox/task-pages.js';
import { silentLog } from '../../src/log.js';

interface Task {
  upid: string;
  endtime?: number;
  status: string;
}

/** A task log as PVE/API2/Tasks.pm serves it: running tasks, then the archive, last archived first. */
class MovingLog {
  active: Task[] = [];
  archive: Task[] = [];
  /** The oldest are lost beyond so many, as the index rotates. */
  capacity = Infinity;
  requestCount = 0;
  #count = 0;

  start(): void {
    this.#count += 1;
    const upid = `UPID:pve1:0000AB12:0012D687:${this.#count.toString(16).padStart(8, '0')}:qmstart:104:root@pam:`;
    this.active.push({ upid, status: 'RUNNING' });
  }

  /** Returns the running row as a reader that saw `active` before the end has it. */
  finish(index: number): Task | null {
    const [task] = this.active.splice(index % Math.max(1, this.active.length), 1);
    if (task === undefined) return null;
    this.archive.unshift({ upid: task.upid, status: 'OK', endtime: 1_700_000_000 + this.archive.length });
    this.archive.length = Math.min(this.archive.length, this.capacity);
    return task;
  }

  page(start: number, limit: number, torn: Task[] = []): Task[] {
    return [...torn, ...this.active, ...this.archive].slice(start, start + limit);
  }

  /** A server of this log; `between` runs before each page and yields tasks that end between its two reads. */
  api(between: (page: number) => Task[] = () => []): ProxmoxApi {
    return {
      get: (_path, query = {}) => {
        const torn = between(this.requestCount);
        this.requestCount += 1;
        const data = this.page(Number(query['start']), Number(query['limit']), torn);
        return Promise.resolve({ data, total: null, sentAt: 0, receivedAt: 0, dateAt: null });
      },
      requestCount: 0,
      handshakeCount: 0,
      close: () => {},
    };
  }
}

function logOf(finished: number, running = 0): MovingLog {
  const log = new MovingLog();
  for (let count = 0; count < finished; count += 1) {
    log.start();
    log.finish(0);
  }
  for (let count = 0; count < running; count += 1) log.start();
  return log;
}

const none = (): boolean => false;

async function read(log: MovingLog, isKnown: (upid: string) => boolean = none, between?: (page: number) => Task[]) {
  return (await readTaskPages(log.api(between), 'pve1', isKnown, { log: silentLog })).pages;
}

describe('Reading a task log', () => {
  it('ends at once on an empty log', async () => {
    const log = logOf(0);
    expect(await read(log)).to.deep.equal({ rows: [], metKnown: false, isComplete: true });
    expect(log.requestCount).to.equal(1);
  });

  it('takes one page when the newest finished task is known', async () => {
    const log = logOf(500, 2);
    const newest = log.archive[0]?.upid;
    const pages = await read(log, (upid) => upid === newest);
    expect(pages.metKnown).to.equal(true);
    expect(pages.rows[0]?.endTimeS).to.equal(null);
    expect(log.requestCount).to.equal(1);
  });

  it('reads to the log’s end when nothing is known, each task once and newest first', async () => {
    const log = logOf(1_234, 3);
    const pages = await read(log);
    expect(pages.rows.map((row) => row.upid)).to.deep.equal(log.page(0, 5_000).map((task) => task.upid));
    expect(pages).to.include({ metKnown: false, isComplete: true });
  });

  it('does not stop at a known task that still runs', async () => {
    const log = logOf(250, 1);
    const running = log.active[0]?.upid;
    expect((await read(log, (upid) => upid === running)).rows).to.have.length(251);
  });

  it('prefers the finished row of a task that stands twice in one answer', async () => {
    const log = logOf(5, 1);
    const running = log.active[0];
    const pages = await read(log, none, () => {
      const torn = log.finish(0);
      return torn === null ? [] : [torn];
    });
    expect(pages.rows.filter((row) => row.upid === running?.upid).map((row) => row.status)).to.deep.equal(['OK']);
  });

  it('says that it is incomplete when the bound on pages ends it', async () => {
    const log = logOf(7_000);
    const pages = await read(log);
    expect(pages.isComplete).to.equal(false);
    expect(log.requestCount).to.equal(60);
  });

  it('goes back when the log moved up by more than the overlap', async () => {
    // Thirty tasks end within the first answer: they stand in it twice, so the archive seems thirty rows further down.
    const log = logOf(400, 30);
    const expected = log.archive.map((task) => task.upid);
    const pages = await read(log, none, (page) => {
      if (page !== 0) return [];
      return Array.from({ length: 30 }, () => log.finish(0)).filter((task) => task !== null);
    });
    const found = new Set(pages.rows.map((row) => row.upid));
    expect(expected.filter((upid) => !found.has(upid))).to.deep.equal([]);
  });

  it('never misses a task that finished before the read began, however the log moves, poll after poll', async () => {
    const step = fc.record({ starts: fc.nat(40), finishes: fc.nat(40), torn: fc.nat(15) });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(450),
        fc.nat(20),
        fc.array(step, { maxLength: 24 }),
        fc.integer({ min: 1, max: 4 }),
        async (finished, running, steps, polls) => {
          const log = logOf(finished, running);
          const known = new Set<string>();
          let next = 0;
          const move = (): Task[] => {
            const { starts = 0, finishes = 0, torn = 0 } = steps[next] ?? {};
            next += 1;
            for (let count = 0; count < starts; count += 1) log.start();
            for (let count = 0; count < finishes; count += 1) log.finish(count * 7);
            return Array.from({ length: torn }, (_, count) => log.finish(count * 3)).filter((task) => task !== null);
          };
          for (let poll = 0; poll < polls; poll += 1) {
            const finishedBefore = log.archive.map((task) => task.upid);
            const pages = await read(log, (upid) => known.has(upid), move);
            expect(pages.isComplete).to.equal(true);
            for (const row of pages.rows) if (row.endTimeS !== null) known.add(row.upid);
            expect(finishedBefore.filter((upid) => !known.has(upid))).to.deep.equal([]);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
