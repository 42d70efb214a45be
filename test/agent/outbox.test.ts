import fs, { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Call } from '../../src/agent/calls.js';
import type { KnownGuest } from '../../src/agent/changes.js';
import { Outbox } from '../../src/agent/outbox.js';
import { realDisk, type Disk } from '../../src/agent/whole-file.js';
import { silentLog, type Log } from '../../src/log.js';

const NODE = 'push-01';

/** A disk that takes so many bytes more, the last write in part, and is full then; cutting off needs no room. */
class SmallDisk {
  room = Infinity;
  readonly disk: Disk = {
    ...realDisk,
    writeSync: ((fd: number, bytes: Buffer, offset: number, length: number) => {
      if (this.room <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      const written = fs.writeSync(fd, bytes, offset, Math.min(length, this.room));
      this.room -= written;
      return written;
    }) as Disk['writeSync'],
  };
}

/** Not waiting for the platter: for tests that open a file some hundred times. */
const quickDisk: Disk = { ...realDisk, fsyncSync: () => {} };

describe('the outbox of the agent', () => {
  let folder = '';
  let lines: string[] = [];
  const log: Log = { ...silentLog, ...{ warn: note, error: note, info: note } };
  function note(line: string): void {
    lines.push(line);
  }
  const path = (name: string): string => join(folder, name);
  const open = (disk: Disk = realDisk, maxBytes = 1024 * 1024, node = NODE): Outbox =>
    Outbox.open({ node, stateFile: path('state.json'), file: path('outbox'), maxBytes }, disk, log);

  const guest = (vmid: number, state: KnownGuest['state'] = 'running'): KnownGuest => ({
    type: 'qemu',
    vmid,
    name: `guest-${vmid}`,
    state,
    seenAt: 1_000,
    pid: null,
    sample: null,
    absentAt: null,
  });
  const change = (vmid: number, state?: KnownGuest['state']): { call: Call; guest: KnownGuest } => ({
    call: { name: state === 'stopped' ? 'vm-stop' : 'vm-start', body: { node: NODE, vm_id: String(vmid) } },
    guest: guest(vmid, state),
  });
  const heartbeat = (at: number): Call => ({ name: 'heartbeat', body: { node: NODE, timestamp: at } });
  /** Takes everything out, in order. */
  const emptied = (outbox: Outbox): string[] => {
    const told: string[] = [];
    for (let head = outbox.head(); head !== null; head = outbox.head()) {
      told.push(String(head.call.body['vm_id'] ?? head.call.body['timestamp']));
      outbox.settle(head);
    }
    return told;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-outbox-'));
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('yields in order what it took, also after it was closed and opened', () => {
    const outbox = open();
    outbox.note([change(1), change(2)]);
    outbox.note([change(3)]);
    outbox.settle(outbox.head() as never);
    outbox.close();
    const again = open();
    expect([...again.known.keys()]).to.deep.equal(['qemu/1', 'qemu/2', 'qemu/3']);
    expect(emptied(again)).to.deep.equal(['2', '3']);
    again.close();
    expect(open().head()).to.equal(null);
  });

  it('holds at every byte at which a kill may cut its file just the changes that are whole, and what they make known', () => {
    const outbox = open(quickDisk);
    for (const vmid of [1, 2, 3]) outbox.note([change(vmid)]);
    outbox.settle(outbox.head() as never);
    const image = readFileSync(path('outbox'));
    const state = readFileSync(path('state.json'));
    const ends = [...image.keys()].filter((k) => image[k] === 0x0a);
    for (let cut = 0; cut <= image.length; cut += 1) {
      writeFileSync(path('outbox'), image.subarray(0, cut));
      writeFileSync(path('state.json'), state);
      const wholeCount = ends.filter((end) => end < cut).length;
      const noted = ['1', '2', '3'].slice(0, Math.min(wholeCount, 3));
      const after = open(quickDisk);
      expect([...after.known.keys()], `cut at ${cut}`).to.deep.equal(noted.map((vmid) => `qemu/${vmid}`));
      after.note([change(9)]);
      after.close();
      const waiting = wholeCount > 3 ? ['2', '3'] : noted;
      expect(emptied(open(quickDisk)), `cut at ${cut}`).to.deep.equal([...waiting, '9']);
    }
    expect(lines).to.deep.equal([]);
  });

  it('leaves out a line that is damaged, and says so', () => {
    const outbox = open();
    outbox.note([change(1), change(2)]);
    const text = readFileSync(path('outbox'), 'utf8');
    writeFileSync(path('outbox'), text.replace('{"n":1', '\0\0\0\0\0\0'));
    expect(emptied(open())).to.deep.equal(['2']);
    expect(lines.join()).to.match(/cannot be read/);
  });

  it('keeps of heartbeats the last before each change, and the newest of all goes out after the rest', () => {
    const outbox = open();
    for (const at of [10, 20, 30]) outbox.setHeartbeat(heartbeat(at));
    outbox.note([change(1), change(2)]);
    for (const at of [40, 50]) outbox.setHeartbeat(heartbeat(at));
    expect(emptied(outbox)).to.deep.equal(['30', '1', '2', '50']);
  });

  it('keeps a heartbeat that was not delivered while there is no room for the change after it', () => {
    const outbox = open(realDisk, 300);
    expect(outbox.note([change(1)])).to.equal(1);
    outbox.setHeartbeat(heartbeat(10));
    expect(outbox.note([change(2)])).to.equal(0);
    expect(emptied(outbox)).to.deep.equal(['1', '10']);
  });

  it('forgets a guest, also after it was closed and opened', () => {
    const outbox = open();
    outbox.note([change(1), change(2)]);
    emptied(outbox);
    outbox.forget(guest(1));
    outbox.close();
    expect([...open().known.keys()]).to.deep.equal(['qemu/2']);
  });

  it('is full at its bound: heartbeats go first, changes that waited stay, and later ones are not taken', () => {
    const outbox = open(realDisk, 2_000);
    let taken = 0;
    for (let vmid = 1; vmid <= 50; vmid += 1) {
      outbox.setHeartbeat(heartbeat(vmid));
      taken += outbox.note([change(vmid)]);
    }
    expect(taken).to.be.within(5, 49);
    expect(outbox.known.size).to.equal(taken);
    expect(lines.filter((line) => line.startsWith('the outbox is full'))).to.have.length(1);
    const told = emptied(outbox);
    // The newest heartbeat is no part of what waits.
    expect(told).to.deep.equal([...Array.from({ length: taken }, (_, k) => String(k + 1)), '50']);
    expect(outbox.note([change(50)])).to.equal(1);
    expect(lines).to.include('the outbox has room again');
    expect(statSync(path('outbox')).size).to.be.lessThan(70_000);
  });

  for (const room of [0, 1, 100, 250]) {
    it(`loses nothing on a disk that is full after ${room} bytes more, says so once, and writes again when there is room`, () => {
      const small = new SmallDisk();
      const outbox = open(small.disk);
      outbox.note([change(1)]);
      small.room = room;
      for (const vmid of [2, 3, 4]) outbox.note([change(vmid)]);
      expect(lines.filter((line) => line.startsWith('the outbox cannot be written'))).to.have.length(1);
      // What it holds is told all the same.
      const head = outbox.head();
      if (head !== null) outbox.settle(head);
      // Killed now, the disk has what it had, and whole.
      const copy = readFileSync(path('outbox'), 'utf8').split('\n');
      copy.slice(0, -1).forEach((line) => expect(() => JSON.parse(line) as unknown, line).not.to.throw());
      small.room = Infinity;
      outbox.save();
      expect(lines.at(-1)).to.equal('the outbox is written to its disk again');
      const again = open();
      expect([...again.known.keys()]).to.deep.equal(['qemu/1', 'qemu/2', 'qemu/3', 'qemu/4']);
      expect(emptied(again).slice(-3)).to.deep.equal(['2', '3', '4']);
    });
  }

  it('opens on a full disk with what the last life left', () => {
    const outbox = open();
    outbox.note([change(1)]);
    const small = new SmallDisk();
    small.room = 0;
    const again = open(small.disk);
    expect(emptied(again)).to.deep.equal(['1']);
    expect(again.known.has('qemu/1')).to.equal(true);
  });

  it('remembers what was told once it is delivered, also when the disk never had it', () => {
    const small = new SmallDisk();
    const outbox = open(small.disk);
    small.room = 0;
    outbox.note([change(1)]);
    emptied(outbox);
    small.room = Infinity;
    outbox.save();
    const again = open();
    expect(again.head()).to.equal(null);
    expect([...again.known.keys()]).to.deep.equal(['qemu/1']);
  });

  it('is written anew when most of it was delivered, so that it does not grow', () => {
    const outbox = open(quickDisk);
    for (let k = 0; k < 2_000; k += 1) {
      outbox.note([change(k % 10, k % 20 < 10 ? 'running' : 'stopped')]);
      emptied(outbox);
    }
    expect(statSync(path('outbox')).size).to.be.lessThan(66_000);
  });

  it('knows nothing of the guests under another name of the node, and still delivers what waits under the old one', () => {
    const outbox = open();
    outbox.note([change(1)]);
    outbox.close();
    const renamed = open(realDisk, 1024 * 1024, 'push-02');
    expect(renamed.known.size).to.equal(0);
    expect(renamed.head()?.call.body['node']).to.equal(NODE);
  });
});
