import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Agent } from '../../src/agent/agent.js';
import type { Database } from '../../src/ledger/database.js';
import type { Log } from '../../src/log.js';
import { forEachDatabase } from '../support/databases.js';
import { ADMIN_KEY, HOUR, NOW } from '../web/api/lab.js';
import { MINUTE, NODE, SECOND, startAgentLab, type AgentLab } from './lab.js';

forEachDatabase((name, open) => {
  describe(`the push agent beside a manager on ${name}`, () => {
    let db: Database;
    let lab: AgentLab;
    let agent: Agent;

    beforeEach(async () => {
      db = await open();
      lab = await startAgentLab(db);
      agent = lab.agent();
    });
    afterEach(async () => {
      agent.close();
      await lab.close();
      await db.close();
    });

    /** A round as the running agent makes them: half a minute later, a look and its delivery. */
    const round = async (): Promise<void> => {
      lab.pass(30 * SECOND);
      await agent.look();
      await agent.deliver();
    };
    const again = (): void => {
      agent.close();
      agent = lab.agent();
    };
    const sessionsOf = async (vmid: number): Promise<Record<string, unknown>[]> => lab.sessions(`&vm_id=${vmid}`);

    it('registers its node, and tells of every guest that runs, by its uptime', async () => {
      await round();
      const node = (await lab.manager.get(`/api/nodes/${NODE}`)).json;
      expect(node).to.include({ hostname: 'push-01.example', source: 'push', status: 'online' });
      const sessions = await lab.sessions();
      expect(sessions.map(({ vm_id }) => vm_id)).to.have.members(['100', '101', '103']);
      for (const { cluster, vmid, startedAt } of lab.simulator.truth(lab.manager.clock.at)) {
        const session = sessions.find(({ vm_id }) => vm_id === String(vmid));
        if (session === undefined || cluster !== 'lab') continue;
        expect(Math.abs(Date.parse(String(session['start_time'])) - startedAt), `of ${vmid}`).to.be.lessThan(1_100);
      }
      const guests = (await lab.manager.get(`/api/vms?node=${NODE}`)).json['vms'] as Record<string, unknown>[];
      expect(guests.find(({ vm_id }) => vm_id === '102')).to.include({ name: 'win-build', status: 'stopped' });
    });

    it('tells of a start by its uptime, and of a stop when it was noticed', async () => {
      await round();
      lab.pass(7 * SECOND);
      lab.happen({ kind: 'start', vmid: 102 });
      const startedAt = lab.manager.clock.at;
      await round();
      const [session] = await sessionsOf(102);
      expect(session).to.include({ is_running: true, vm_name: 'win-build' });
      expect(Date.parse(String(session?.['start_time'])) - startedAt).to.be.within(-1_000, 3_000);
      await round();
      lab.pass(12 * SECOND);
      lab.happen({ kind: 'stop', vmid: 102 });
      const stoppedAt = lab.manager.clock.at;
      await round();
      const [ended] = await sessionsOf(102);
      expect(ended?.['is_running']).to.equal(false);
      const bounds = ['end_earliest', 'end_time', 'end_latest'].map((field) => Date.parse(String(ended?.[field])));
      expect(bounds[0]).to.be.at.most(stoppedAt);
      expect(bounds[2]).to.be.at.least(stoppedAt);
      // The last heartbeat, less the ten seconds that its reading may be old.
      expect(stoppedAt - (bounds[0] ?? 0)).to.be.lessThan(23 * SECOND);
    });

    it('keeps the bounds of a stop when another guest started before it was noticed', async () => {
      await round();
      lab.pass(2 * SECOND);
      lab.happen({ kind: 'stop', vmid: 100 });
      const stoppedAt = lab.manager.clock.at;
      lab.pass(20 * SECOND);
      lab.happen({ kind: 'start', vmid: 102 });
      await round();
      const [ended] = await sessionsOf(100);
      expect(Date.parse(String(ended?.['end_earliest']))).to.be.at.most(stoppedAt);
      expect(Date.parse(String(ended?.['end_latest']))).to.be.at.least(stoppedAt);
    });

    it('tells a stop and a start of a guest that went through both between two looks', async () => {
      await round();
      lab.happen({ kind: 'stop', vmid: 101 });
      lab.pass(10 * SECOND);
      lab.happen({ kind: 'start', vmid: 101 });
      await round();
      const sessions = await sessionsOf(101);
      expect(sessions.map(({ is_running }) => is_running)).to.deep.equal([false, true]);
      expect(Date.parse(String(sessions[0]?.['end_time']))).to.be.at.most(
        Date.parse(String(sessions[1]?.['start_time'])),
      );
    });

    it('goes on after its own restart without telling twice, and finds what happened meanwhile', async () => {
      await round();
      const before = (await lab.events()).filter(({ kind }) => kind === 'start' || kind === 'stop').length;
      again();
      await round();
      expect((await lab.events()).filter(({ kind }) => kind === 'start' || kind === 'stop')).to.have.length(before);
      agent.close();
      lab.pass(5 * MINUTE);
      lab.happen({ kind: 'stop', vmid: 103 });
      lab.pass(5 * MINUTE);
      agent = lab.agent();
      await round();
      expect((await sessionsOf(103))[0]).to.include({ is_running: false });
      expect((await sessionsOf(100))[0]).to.include({ is_running: true });
    });

    it('sends a full snapshot after its start and when the manager asks, and no other', async () => {
      const snapshots = async (): Promise<number> =>
        (await lab.events()).filter(({ kind }) => kind === 'states').length;
      await round();
      expect(await snapshots()).to.equal(1);
      await round();
      await round();
      expect(await snapshots()).to.equal(1);
      let askedCount = 0;
      agent.close();
      agent = lab.agent({ onForceSync: () => void (askedCount += 1) });
      await round();
      expect(await snapshots()).to.equal(2);
      await lab.manager.send('POST', '/api/ingest/force-sync', '{}', { 'X-API-Key': ADMIN_KEY });
      await round();
      expect(askedCount).to.equal(1);
      await round();
      expect(await snapshots()).to.equal(3);
      await round();
      expect(await snapshots()).to.equal(3);
    });

    it('ends nothing and vouches for nothing while the node is not seen', async () => {
      await round();
      const seenAt = lab.manager.clock.at;
      await lab.simulator.stopNode('pve-01');
      for (let k = 0; k < 4; k += 1) await round();
      const running = await lab.sessions('&running_only=true');
      expect(running).to.have.length(3);
      for (const { proven_until } of running) expect(Date.parse(String(proven_until))).to.be.at.most(seenAt);
      await lab.simulator.startNode('pve-01');
      await round();
      for (const { proven_until } of await lab.sessions('&running_only=true'))
        expect(Date.parse(String(proven_until))).to.be.at.least(lab.manager.clock.at - 11 * SECOND);
      expect(lab.lines.filter((line) => line.startsWith('the node is not seen'))).to.have.length(1);
    });

    it('takes a token that lost its permission for no stop, and a guest that is gone for one', async () => {
      await round();
      const from = lab.manager.clock.at;
      const fault = { kind: 'permission_lost' as const, privilege: 'VM.Audit' };
      lab.simulator.world.scenario.faults.push({ from, to: from + 2 * MINUTE, fault });
      for (let k = 0; k < 3; k += 1) await round();
      expect(await lab.sessions('&running_only=true')).to.have.length(3);
      lab.manager.clock.at = from + 3 * MINUTE;
      await round();
      lab.happen({ kind: 'migrate', vmid: 100, to: 'pve-02', takesMs: 2_000 });
      await round();
      await round();
      await round();
      expect((await sessionsOf(100))[0]).to.include({ is_running: false });
      expect(await lab.sessions('&running_only=true')).to.have.length(2);
    });

    it('sends no snapshot while its token lost its permission, whether it knows the guests or begins anew', async () => {
      await round();
      const from = lab.manager.clock.at;
      const fault = { kind: 'permission_lost' as const, privilege: 'VM.Audit' };
      lab.simulator.world.scenario.faults.push({ from, to: from + 10 * MINUTE, fault });
      const forces = async (): Promise<void> => {
        await lab.manager.send('POST', '/api/ingest/force-sync', '{}', { 'X-API-Key': ADMIN_KEY });
        await round();
      };
      again();
      for (let k = 0; k < 3; k += 1) await forces();
      agent.close();
      rmSync(join(lab.folder, 'state.json'));
      agent = lab.agent();
      for (let k = 0; k < 3; k += 1) await forces();
      expect(await lab.sessions('&running_only=true')).to.have.length(3);
      const { proven_until } = (await sessionsOf(100))[0] ?? {};
      expect(Date.parse(String(proven_until))).to.be.at.most(from);
    });

    it('holds its snapshot back while a guest that runs is missing for the first time', async () => {
      const snapshots = async (): Promise<number> =>
        (await lab.events()).filter(({ kind }) => kind === 'states').length;
      await round();
      lab.happen({ kind: 'migrate', vmid: 100, to: 'pve-02', takesMs: 2_000 });
      again();
      await round();
      expect(await snapshots()).to.equal(1);
      await round();
      expect(await snapshots()).to.equal(2);
      expect((await sessionsOf(100))[0]).to.include({ is_running: false });
    });

    it('tells of a guest that has run for more than 400 days, and its start by the snapshot’s uptime', async () => {
      lab.pass(401 * 24 * HOUR);
      await round();
      const running = await lab.sessions('&running_only=true');
      expect(running.map(({ vm_id }) => vm_id)).to.have.members(['100', '101', '103']);
      expect(existsSync(join(lab.folder, 'state.json.outbox.refused'))).to.equal(false);
    });

    for (const [how, happening] of [
      ['stops', { kind: 'stop', vmid: 101 }],
      ['migrates away', { kind: 'migrate', vmid: 101, to: 'pve-02', takesMs: 2_000 }],
    ] as const) {
      it(`delivers of a guest that ${how} while the manager was down, with the bounds that its heartbeats would have given`, async () => {
        await round();
        await lab.gate.shut();
        for (let k = 0; k < 10; k += 1) await round();
        lab.pass(5 * SECOND);
        lab.happen(happening);
        const stoppedAt = lab.manager.clock.at;
        for (let k = 0; k < 10; k += 1) await round();
        expect(agent.waitingCount).to.equal(2);
        expect((await sessionsOf(101))[0]).to.include({ is_running: true });
        await lab.gate.open();
        await round();
        const [ended] = await sessionsOf(101);
        expect(ended).to.include({ is_running: false });
        expect(Date.parse(String(ended?.['end_earliest']))).to.be.within(stoppedAt - 20 * SECOND, stoppedAt);
        expect(Date.parse(String(ended?.['end_latest']))).to.be.within(stoppedAt, stoppedAt + 31 * SECOND);
        expect(lab.lines.filter((line) => line.startsWith('not delivered'))).to.have.length(1);
        expect(lab.lines).to.include('the manager takes reports again');
      });
    }

    it('delivers again what may have been lost on the way back, and it counts once', async () => {
      await round();
      lab.happen({ kind: 'start', vmid: 102 });
      lab.gate.swallowsAnswers = true;
      await round();
      expect(agent.waitingCount).to.be.greaterThan(0);
      lab.gate.swallowsAnswers = false;
      await round();
      expect(agent.waitingCount).to.equal(0);
      expect(await sessionsOf(102)).to.have.length(1);
      expect((await lab.events()).filter(({ kind, body }) => kind === 'start' && body.includes('102'))).to.have.length(
        1,
      );
    });

    it('sets aside what the manager will never take, and goes on with what comes after it', async () => {
      await round();
      await lab.gate.shut();
      lab.happen({ kind: 'start', vmid: 102 });
      await round();
      lab.happen({ kind: 'stop', vmid: 100 });
      await round();
      agent.close();
      const outbox = join(lab.folder, 'state.json.outbox');
      writeFileSync(outbox, readFileSync(outbox, 'utf8').replace('"vm_id":"102"', '"vm_id":"no number"'));
      await lab.gate.open();
      agent = lab.agent();
      await round();
      expect(agent.waitingCount).to.equal(0);
      expect((await sessionsOf(100))[0]).to.include({ is_running: false });
      const [line = '{}'] = readFileSync(`${outbox}.refused`, 'utf8').trim().split('\n');
      const aside = JSON.parse(line) as { status: number; call: { name: string } };
      expect([aside.status, aside.call.name]).to.deep.equal([422, 'vm-start']);
    });

    it('keeps what waits when its key is refused, and says what to do', async () => {
      agent.close();
      agent = lab.agent();
      const wrong = { manager: `{ url: "${lab.gate.url}", api_key: a-wrong-key }`, state_file: 'wrong.json' };
      const { Agent: AgentClass } = await import('../../src/agent/agent.js');
      const write: Log['info'] = (line, fields) => void lab.lines.push(`${line} ${JSON.stringify(fields)}`);
      const other = AgentClass.open(lab.config(wrong), {
        clock: lab.manager.clock,
        log: { debug: write, info: write, warn: write, error: write },
      });
      await other.look();
      const delivered = await other.deliver();
      expect(delivered.kind).to.equal('held');
      expect(other.waitingCount).to.equal(3);
      other.close();
      expect(lab.lines.find((line) => line.includes('refused the key'))).to.match(
        /401.*key create NAME --scope ingest/,
      );
      for (const secret of ['a-wrong-key', lab.simulator.token.value])
        expect(lab.lines.join('\n')).not.to.include(secret);
    });

    it('begins anew beside a state file that another program wrote', async () => {
      agent.close();
      mkdirSync(lab.folder, { recursive: true });
      writeFileSync(join(lab.folder, 'state.json'), '{"vms": {"100": "running"}}');
      agent = lab.agent();
      await round();
      expect(await lab.sessions('&running_only=true')).to.have.length(3);
      expect(lab.lines.some((line) => line.startsWith('state_file holds nothing'))).to.equal(true);
      expect(NOW).to.be.lessThan(lab.manager.clock.at);
    });

    it('lets no second agent work on its files', () => {
      expect(() => lab.agent()).to.throw(/another agent|one agent alone/);
    });
  });
});
