import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Outbox } from '../../src/agent/outbox.js';
import { runAgent } from '../../src/agent/run-agent.js';
import { realDisk } from '../../src/agent/whole-file.js';
import { systemClock } from '../../src/clock.js';
import { parseClientConfig, type ClientConfig } from '../../src/config/client.js';
import { silentLog, type Log } from '../../src/log.js';

const BACKLOG = 200;
const LAST_WORDS_MS = 100;

describe('the running agent, told to end while it delivers what a long outage left', () => {
  let folder = '';
  let server: Server;
  let lines: string[] = [];
  let callCount = 0;
  const log: Log = { ...silentLog, info: (line, fields) => void lines.push(`${line} ${JSON.stringify(fields)}`) };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-run-agent-'));
    lines = [];
    callCount = 0;
  });
  afterEach(async () => {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs it beside a manager that takes so long for each call (null: it never answers) and ends it at the third, or the only one. */
  const endedMidway = async (answerMs: number | null): Promise<void> => {
    const end = new AbortController();
    server = createServer((_, response) => {
      callCount += 1;
      if (callCount === (answerMs === null ? 1 : 3)) end.abort();
      if (answerMs !== null) setTimeout(() => response.end('{"success":true}'), answerMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const text = [
      'node: { name: push-01 }',
      // Nobody listens there: the node is not seen.
      `proxmox: { host: 127.0.0.1, port: 1, user: u@pve, token_name: t, token_value: v, fingerprint: "${'AB'.repeat(32)}" }`,
      `manager: { url: "http://127.0.0.1:${port}", api_key: k, timeout: 60 }`,
      'state_file: state.json',
    ].join('\n');
    const config = parseClientConfig(text, { file: join(folder, 'client_config.yaml'), env: {} });
    leaveBacklog(config);
    const parts = { clock: systemClock, log, signal: end.signal, onReady: () => Promise.resolve() };
    await runAgent(config, { ...parts, lastWordsMs: LAST_WORDS_MS }).ended;
  };
  const leaveBacklog = ({ stateFile, outbox: { file, maxBytes } }: ClientConfig): void => {
    const outbox = Outbox.open({ node: 'push-01', stateFile, file, maxBytes }, realDisk, silentLog);
    const rest = { name: null, state: 'running', seenAt: 1, pid: null, sample: null, absentAt: null } as const;
    for (let vmid = 1; vmid <= BACKLOG; vmid += 1)
      outbox.note([{ call: { name: 'vm-start', body: {} }, guest: { type: 'qemu', vmid, ...rest } }]);
    outbox.close();
  };
  const waitingCount = (): number => Number(/stopped .*"waiting":(\d+)/.exec(lines.join('\n'))?.[1]);

  it('ends in time beside a manager that is slow, with what it did not deliver kept', async () => {
    await endedMidway(40);
    expect(callCount).to.be.within(3, 3 + LAST_WORDS_MS / 10);
    // The registration was no part of the backlog, and the last call was cut short.
    expect(waitingCount()).to.be.within(BACKLOG - callCount + 1, BACKLOG - callCount + 2);
  });

  it('ends in time beside a manager that never answers', async () => {
    await endedMidway(null);
    expect([callCount, waitingCount()]).to.deep.equal([1, BACKLOG]);
  });
});
