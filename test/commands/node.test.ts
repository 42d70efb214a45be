import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { listAudit } from '../../src/ledger/access.js';
import { openDatabase } from '../../src/ledger/database.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

describe('nodes by command', () => {
  const folder = tempFolder();
  let simulator: Simulator;
  const ask = (words: string[], lines: string[] = [], isTerminal = false): Promise<CliOutcome> =>
    cli(['node', ...words, '--config', folder.config], { lines, isTerminal });

  before(async () => {
    folder.write('');
    simulator = await startSimulator(labScenario(Date.now() - 3_600_000), { clock: systemClock });
  });
  after(() => simulator.close());

  const way = (): string[] => {
    const [node] = simulator.nodes;
    const { host = '', port = 0, fingerprint = '' } = node ?? {};
    const { tokenName } = simulator.token;
    return ['--host', host, '--port', String(port), '--fingerprint', fingerprint, '--token-name', tokenName];
  };

  it('adds one with its token from standard input, lists it, and takes it away when that is meant', async () => {
    expect((await ask(['list'])).out).to.contain('There is no node yet');
    const added = await ask(['add', 'pve-01', ...way()], [simulator.token.value]);
    expect(added).to.deep.equal({ code: 0, out: 'Node pve-01 is added.\n', err: '' });
    expect((await ask(['list'])).out).to.match(/pve-01 .* database +pve-01, pve-02, pve-03/);
    const kept = await ask(['remove', 'pve-01'], ['n'], true);
    expect([kept.code, kept.out]).to.deep.equal([1, '']);
    expect(kept.err).to.contain('This ends the tracking of pve-01, pve-02, pve-03 and forgets the token.');
    const gone = await ask(['remove', 'pve-01'], ['yes'], true);
    expect(gone.out).to.equal('The entry pve-01 is gone. Tracked no more: pve-01, pve-02, pve-03.\n');
    expect((await ask(['list'])).out).to.contain('There is no node yet');
    const db = openDatabase({ type: 'sqlite', file: `${folder.path}/data/tracker.sqlite` });
    const { items } = await listAudit(db.reader, { page: 1, perPage: 10 });
    await db.close();
    expect(items.map(({ action, actor }) => `${action} by ${actor}`)).to.include.members([
      'entry.add by command line',
      'entry.remove by command line',
    ]);
    expect(JSON.stringify(items)).to.not.contain(simulator.token.value);
  });

  it('takes the token from a file, and says what is wrong, with the exit code', async () => {
    const file = `${folder.path}/token`;
    writeFileSync(file, 'a wrong token\n');
    const wrong = await ask(['add', 'pve-01', ...way(), '--token-file', file]);
    expect([wrong.code, wrong.err.split('\n')[0]]).to.deep.equal([
      2,
      'token_value is not a token: write only its secret, without the token\'s name, blanks or "="',
    ]);
    writeFileSync(file, 'refused\n');
    const refused = await ask(['add', 'pve-01', ...way(), '--token-file', file]);
    expect(refused.code).to.equal(1);
    expect(refused.out).to.match(/^Node pve-01 is added\.\n✗ It does not answer: /);
    expect((await ask(['remove', 'none-such', '--yes'])).err).to.equal('There is no entry "none-such".\n');
    expect((await ask(['add', 'x'])).code).to.equal(2);
  });

  it('tests those of config.yaml, then those of the database, and says of each what is wrong with it', async () => {
    const test = (): Promise<CliOutcome> => cli(['test', '--config', folder.config]);
    await ask(['add', 'pve-01', ...way()], [simulator.token.value]);
    const alone = await test();
    expect([alone.code, alone.out.match(/^.*Node: .*$/gm)]).to.deep.equal([
      0,
      [/^.*Node: pve-01 .*$/m.exec(alone.out)?.[0]],
    ]);
    await ask(['add', 'far', '--host', '127.0.0.1', '--port', '1', '--insecure'], [simulator.token.value]);
    folder.write(simulator.configYaml().split('\n').slice(0, 8).join('\n').replace('pve-01', 'office'));
    const { code, out } = await test();
    const [office, far, twin] = out.trimEnd().split('\n\n');
    expect(code).to.equal(1);
    expect(office).to.contain('Node: office, which is pve-01 in Proxmox');
    expect(far).to.match(/^✗ far: 127\.0\.0\.1:1 [^\n]+$/);
    expect(twin).to.equal(
      '✗ pve-01: config.yaml names the same node as "office", which counts: this entry is not used',
    );
    expect((await ask(['remove', 'pve-01', '--yes'])).out).to.equal(
      'The entry pve-01 is gone. No node was tracked by it alone.\n',
    );
    rmSync(`${folder.path}/data/secret.key`);
    const locked = await test();
    expect(locked.out).to.match(/✗ far: [^\n]*secret\.key is not there, and the database holds secrets/);
    expect(locked.out + out).to.not.contain(simulator.token.value);
    expect(existsSync(`${folder.path}/data/secret.key`)).to.equal(false);
  });
});
