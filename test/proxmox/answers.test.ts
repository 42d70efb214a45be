import { expect } from 'chai';
import { guestRows, nodeStatus, nodeTimeS, resourceRows, taskRows } from '../../src/proxmox/answers.js';
import { ProxmoxError } from '../../src/proxmox/errors.js';
import { keptLog } from './node-server.js';

const REQUEST = 'GET /nodes/pve1/qemu';

function fault(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(ProxmoxError);
    expect((error as ProxmoxError).kind).to.equal('bad_answer');
    return (error as ProxmoxError).message;
  }
  throw new Error('the answer was taken');
}

describe('The rows of a guest list', () => {
  it('are read with all that counts, and unknown fields pass', () => {
    const raw = {
      vmid: 104,
      status: 'running',
      name: 'vGPU-1',
      pid: 4711,
      uptime: 3600,
      cpus: 4,
      maxmem: 8_589_934_592,
      lock: 'backup',
      tags: 'a;b',
      memhost: 1,
      pressurecpusome: 0.5,
    };
    expect(guestRows('qemu', [raw], REQUEST)).to.deep.equal([
      {
        type: 'qemu',
        vmid: 104,
        name: 'vGPU-1',
        status: 'running',
        pid: 4711,
        uptimeS: 3600,
        cores: 4,
        memoryBytes: 8_589_934_592,
        lock: 'backup',
        qmpstatus: null,
        tags: 'a;b',
        isTemplate: false,
      },
    ]);
  });

  it('are read from numbers as strings, names as numbers and flags of any kind', () => {
    const raw = {
      vmid: '104',
      status: 'running',
      name: 12,
      pid: '4711',
      uptime: '3600.9',
      cpus: '0.5',
      maxmem: '1024',
    };
    const [row] = guestRows('lxc', [raw], REQUEST);
    expect(row).to.include({ vmid: 104, name: '12', pid: 4711, uptimeS: 3600, cores: 0.5, memoryBytes: 1024 });
    for (const template of [1, '1', true]) {
      expect(guestRows('qemu', [{ vmid: 1, status: 'stopped', template }], REQUEST)[0]?.isTemplate).to.equal(true);
    }
    for (const template of [0, '0', '', false, null]) {
      expect(guestRows('qemu', [{ vmid: 1, status: 'stopped', template }], REQUEST)[0]?.isTemplate).to.equal(false);
    }
  });

  it('have no pid and no uptime when stopped, and none is made up when it is missing', () => {
    expect(guestRows('qemu', [{ vmid: 1, status: 'stopped', uptime: 0, pid: 0 }], REQUEST)[0]).to.include({
      pid: null,
      uptimeS: null,
      name: null,
      cores: null,
    });
    const rows = [
      { vmid: 1, status: 'running', uptime: 0, pid: 0 },
      { vmid: 2, status: 'running', pid: '', uptime: null },
    ];
    expect(guestRows('lxc', rows, REQUEST).map(({ pid, uptimeS }) => [pid, uptimeS])).to.deep.equal([
      [null, 0],
      [null, null],
    ]);
  });

  const bad: [string, unknown, RegExp][] = [
    ['a missing vmid', [{ vmid: 1, status: 'stopped' }, { status: 'running' }], /row 1 .*vmid/],
    ['a missing status', [{ vmid: 1 }], /row 0 .*status/],
    ['a status that a list never has', [{ vmid: 1, status: 'unknown' }], /row 0, field status/],
    ['a vmid that is no number', [{ vmid: '10x', status: 'stopped' }], /row 0, field vmid/],
    ['a vmid of null', [{ vmid: null, status: 'stopped' }], /row 0, field vmid/],
    ['a negative uptime', [{ vmid: 1, status: 'running', uptime: -1 }], /row 0, field uptime/],
    ['an object for a name', [{ vmid: 1, status: 'running', name: {} }], /row 0, field name/],
    ['null for the list', null, /must be array/],
    ['an object for the list', {}, /must be array/],
  ];
  for (const [what, data, sentence] of bad) {
    it(`fail the whole answer on ${what}`, () => {
      expect(fault(() => guestRows('qemu', data, REQUEST)))
        .to.match(sentence)
        .and.to.contain(REQUEST);
    });
  }

  it('are read 5,000 in a fraction of a second', () => {
    const raw = Array.from({ length: 5_000 }, (_, index) => ({
      vmid: 100 + index,
      status: 'running',
      name: `vm${index}`,
      uptime: index,
      cpus: 2,
    }));
    const beganAt = performance.now();
    expect(guestRows('qemu', raw, REQUEST)).to.have.length(5_000);
    expect(performance.now() - beganAt).to.be.below(1_000);
  });
});

describe('The rows of a task log', () => {
  const upid = 'UPID:pve1:0000AB12:0012D687:65A1B2C3:qmstart:104:tracker@pve!poll:';

  it('are running without an end, whatever their status says', () => {
    const rows = taskRows([{ upid, status: 'RUNNING', saved: 0, user: 'tracker@pve!poll' }], REQUEST, keptLog());
    expect(rows[0]).to.include({ endTimeS: null, status: null, user: 'tracker@pve', id: '104', pid: 0xab12 });
  });

  it('are finished with an end, and without a status prove nothing', () => {
    const rows = taskRows(
      [
        { upid, endtime: '1705095900', status: 'OK' },
        { upid, endtime: 7 },
      ],
      REQUEST,
      keptLog(),
    );
    expect(rows[0]).to.include({ endTimeS: 1_705_095_900, status: 'OK' });
    expect(rows[1]).to.include({ endTimeS: 7, status: 'unexpected status' });
  });

  it('are passed over, with a line at debug, where the UPID says nothing to us', () => {
    const log = keptLog();
    expect(taskRows([{ upid: 'UPID:odd' }, { upid, endtime: 1, status: 'OK' }], REQUEST, log)[0]).to.equal(null);
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.match(/^debug /);
  });

  it('fail the answer without a UPID', () => {
    expect(fault(() => taskRows([{ endtime: 1 }], REQUEST, keptLog()))).to.contain('upid');
  });
});

describe('The other answers', () => {
  it('of /cluster/resources hold guests, those whose data expired as unknown', () => {
    const rows = resourceRows(
      [
        {
          type: 'qemu',
          id: 'qemu/104',
          vmid: '104',
          node: 'pve1',
          status: 'paused',
          pool: 'lab',
          maxcpu: 2,
          template: 0,
        },
        { type: 'lxc', id: 'lxc/105', vmid: 105, node: 'pve2' },
        { type: 'storage', id: 'storage/pve1/local' },
      ],
      REQUEST,
    );
    expect(rows.map(({ vmid, node, status, pool }) => [vmid, node, status, pool])).to.deep.equal([
      [104, 'pve1', 'paused', 'lab'],
      [105, 'pve2', 'unknown', null],
    ]);
    expect(fault(() => resourceRows([{ type: 'qemu', vmid: 104 }], REQUEST))).to.contain('node');
  });

  it('of /status tell uptime and version, of /time the seconds', () => {
    expect(nodeStatus({ uptime: '86400', pveversion: 'pve-manager/9.2.3/0123abcd' }, REQUEST)).to.deep.equal({
      uptimeS: 86_400,
      version: '9.2.3',
    });
    expect(nodeStatus({ uptime: 1 }, REQUEST).version).to.equal(null);
    expect(fault(() => nodeStatus({ pveversion: 'x' }, REQUEST))).to.contain('uptime');
    expect(nodeTimeS({ time: 1_700_000_000, timezone: 'UTC' }, REQUEST)).to.equal(1_700_000_000);
    expect(fault(() => nodeTimeS({}, REQUEST))).to.contain('time');
  });
});
