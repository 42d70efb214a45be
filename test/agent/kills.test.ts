import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { forEachDatabase } from '../support/databases.js';
import { packageRoot } from '../../src/package-root.js';
import { SECOND, startAgentLab, type AgentLab } from './lab.js';

/** Changes while the manager is down: each at a look of its own, 18 s apart, which makes an hour. */
const CHANGES = 200;
const APART_MS = 18 * SECOND;
/** The changes at whose note the agent is killed, in the middle of a write. */
const KILLED_AT = [61, 140];

/** An agent in a process of its own. */
class Child {
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(config: string, at: number) {
    const args = ['--import', 'tsx', join(packageRoot, 'test/agent/killed-agent.ts'), config, String(at)];
    this.process = spawn(process.execPath, args, { cwd: packageRoot, stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.process.stdout === null) throw new Error('the process has no output');
    this.lines = createInterface(this.process.stdout)[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error('the agent ended before it answered');
    return value;
  }

  say(text: string): void {
    this.process.stdin?.write(`${text}\n`);
  }

  async ask(text: string): Promise<string> {
    this.say(text);
    return this.line();
  }

  async kill(): Promise<void> {
    const ended = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await ended;
  }

  async end(): Promise<void> {
    const ended = once(this.process, 'close');
    this.process.stdin?.end();
    await ended;
  }
}

forEachDatabase((name, open) => {
  describe(`an agent that is killed, beside a manager on ${name}`, function () {
    this.timeout(180_000);

    it('and whose manager is down for an hour with 200 changes, delivers all of them, once each, in order', async () => {
      const db = await open();
      const lab = await startAgentLab(db);
      const config = join(lab.folder, 'client_config.yaml');
      writeFileSync(config, lab.configText());
      const begin = async (): Promise<Child> => {
        const child = new Child(config, lab.manager.clock.at);
        expect(await child.line()).to.equal('open');
        return child;
      };
      let child = await begin();
      try {
        const now = (): number => lab.manager.clock.at;
        await child.ask(`look ${now()}`);
        await child.ask(`deliver ${now()}`);
        await lab.gate.shut();
        const begunAt = now();
        for (let k = 0; k < CHANGES; k += 1) {
          lab.pass(APART_MS / 2);
          lab.happen({ kind: k % 2 === 0 ? 'start' : 'stop', vmid: 102 });
          // Both are tasks of some seconds: the look comes after them.
          lab.pass(APART_MS / 2);
          if (KILLED_AT.includes(k)) {
            await child.ask('doom 1');
            child.say(`look ${now()}`);
            expect(await child.line()).to.equal('now');
            await child.kill();
            child = await begin();
          }
          await child.ask(`look ${now()}`);
          if (k % 40 === 0) await child.ask(`deliver ${now()}`);
        }
        expect(now() - begunAt).to.equal(CHANGES * APART_MS);
        await lab.gate.open();
        expect((await child.ask(`deliver ${now()}`)).split(' ').at(-1)).to.equal('0');
        await checkLedger(lab, begunAt);
      } finally {
        await child.end();
        await lab.close();
        await db.close();
      }
    });
  });
});

async function checkLedger(lab: AgentLab, begunAt: number): Promise<void> {
  const events = (await lab.events()).filter(({ stamp_at }) => stamp_at !== null && stamp_at > begunAt);
  const changes = events.filter(({ kind }) => kind === 'start' || kind === 'stop');
  expect(changes.map(({ kind }) => kind)).to.deep.equal(
    Array.from({ length: CHANGES }, (_, k) => (k % 2 === 0 ? 'start' : 'stop')),
  );
  expect(new Set(changes.map(({ event_id }) => event_id)).size).to.equal(CHANGES);
  const stamps = changes.map(({ stamp_at }) => stamp_at ?? 0);
  expect(stamps).to.deep.equal([...stamps].sort((a, b) => a - b));
  lab.pass(10 * SECOND);
  const sessions = await lab.sessions('&vm_id=102');
  const truth = lab.simulator
    .truth(lab.manager.clock.at)
    .filter(({ cluster, vmid }) => cluster === 'lab' && vmid === 102);
  expect(sessions).to.have.length(CHANGES / 2);
  expect(truth).to.have.length(CHANGES / 2);
  sessions.forEach((session, k) => {
    const at = (field: string): number => Date.parse(String(session[field]));
    const { startedAt = 0, endedAt = 0 } = truth[k] ?? {};
    expect(at('start_time') - startedAt, `start ${k}`).to.be.within(-50, 1_100);
    expect(endedAt, `end ${k}`).to.be.within(at('end_earliest'), at('end_latest'));
  });
}
