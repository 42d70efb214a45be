import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { loadConfig } from '../../src/config/load.js';
import { packageRoot } from '../../src/package-root.js';
import { namedScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

describe('commands against a simulated Proxmox', () => {
  const folder = tempFolder();
  let simulator: Simulator;
  const node = (index: number): Simulator['nodes'][number] => {
    const found = simulator.nodes[index];
    if (found === undefined) throw new Error('the lab has fewer nodes');
    return found;
  };
  const ask = (words: string, input = {}): Promise<CliOutcome> =>
    cli([...words.split(' '), '--config', folder.config], input);

  before(async () => {
    const lab = namedScenario('lab', systemClock.now());
    if (lab === null) throw new Error('there is no lab');
    simulator = await startSimulator(lab, { clock: systemClock });
  });
  after(() => simulator.close());
  beforeEach(() => folder.write(simulator.configYaml()));

  /** The lab's first node alone, with its entry changed. */
  const first = (change: (entry: string) => string): void =>
    folder.write(change(simulator.configYaml().split('\n').slice(0, 8).join('\n')));

  describe('test', () => {
    it('prints node, token and guests of each node', async () => {
      const { code, out, err } = await ask('test');
      expect([code, err]).to.deep.equal([0, '']);
      const [pve01 = '', ...others] = out.split('\n\n');
      expect(pve01.split('\n').slice(0, 6)).to.deep.equal([
        '✓ Proxmox API connection successful',
        `  Node: pve-01 (cluster lab, Proxmox VE ${/Proxmox VE (\S+)\)/.exec(pve01)?.[1] ?? '?'})`,
        '  Token: VM.Audit on / ✓   Sys.Audit on / ✓',
        '  VMs found: 4',
        '    - 100: gateway (running)',
        '    - 101: db-primary (running)',
      ]);
      expect(others).to.have.length(3);
      expect(others.at(-1)).to.include('  Node: edge-01 (standalone, Proxmox VE 8.4');
    });

    it('tells both names where the configuration has its own', async () => {
      first((entry) => entry.replace('name: pve-01', 'name: office'));
      expect((await ask('test')).out).to.include('  Node: office, which is pve-01 in Proxmox (cluster lab,');
    });

    it('exits 1 with one sentence for a wrong token, and for the others as usual', async () => {
      folder.write(simulator.configYaml().replace('5e1f0000', '00000000'));
      const { code, out } = await ask('test');
      expect(code).to.equal(1);
      expect(out).to.match(/^✗ pve-01: [^\n]*token[^\n]+\n\n✓ /);
      expect(out).not.to.include('00000000-feed');
    });

    it('exits 1 for a wrong fingerprint, naming the command that shows the right one', async () => {
      first((entry) => entry.replace(/fingerprint: .*/, `fingerprint: '${'00'.repeat(32)}'`));
      const { code, out } = await ask('test');
      expect(code).to.equal(1);
      expect(out)
        .to.match(/^✗ pve-01: [^\n]+\n$/)
        .and.include(`proxmox-tracker fingerprint 127.0.0.1:${node(0).port}`);
    });

    it('exits 1 for a host on which nothing listens', async () => {
      first((entry) => entry.replace(/port: .*/, 'port: 1'));
      const { code, out } = await ask('test');
      expect(code).to.equal(1);
      expect(out).to.match(/^✗ pve-01: 127\.0\.0\.1:1 [^\n]+\n$/);
    });

    it("trusts a node by its cluster's CA, read from beside the configuration", async () => {
      writeFileSync(`${folder.path}/ca.pem`, simulator.caPem(node(0).cluster));
      first((entry) => entry.replace(/fingerprint: .*/, 'ca_file: ca.pem'));
      expect((await ask('test')).out).to.match(/^✓ /);
      writeFileSync(`${folder.path}/ca.pem`, simulator.caPem(node(3).cluster));
      expect((await ask('test')).out).to.match(/^✗ pve-01: /);
    });

    it('says what to do when there are no nodes', async () => {
      folder.write('');
      expect(await ask('test')).to.deep.equal({
        code: 1,
        out: '✗ nodes: is empty, so there is nothing to measure: run "proxmox-tracker init", or put an entry there\n',
        err: '',
      });
    });
  });

  it('fingerprint shows the certificate as the configuration wants it', async () => {
    const { code, out } = await ask(`fingerprint 127.0.0.1:${node(0).port}`);
    expect(code).to.equal(0);
    expect(out.trimEnd().split('\n').at(-1)).to.equal(`fingerprint: '${node(0).fingerprint}'`);
    expect(out).to.include('Subject: ').and.include('Issuer: ').and.include('Valid to ');
  });

  it('fingerprint exits 1 with one sentence when nothing answers', async () => {
    const { code, out, err } = await ask('fingerprint 127.0.0.1:1');
    expect([code, out]).to.deep.equal([1, '']);
    expect(err).to.match(/^127\.0\.0\.1:1 [^\n]+\n$/);
  });

  it('simulate prints a ready nodes: section that test takes, and ends when told to', async () => {
    const stop = new AbortController();
    let tested: CliOutcome | null = null;
    const ready = (soFar: string): void => {
      if (tested !== null || (soFar.match(/fingerprint: /g) ?? []).length < simulator.nodes.length) return;
      tested = { code: -1, out: '', err: '' };
      folder.write(soFar.slice(soFar.indexOf('nodes:')));
      void ask('test').then((outcome) => {
        tested = outcome;
        stop.abort();
      });
    };
    const { code } = await cli(['simulate'], { signal: stop.signal, onOut: ready });
    expect(code).to.equal(0);
    expect(tested).to.deep.include({ code: 0, err: '' });
  });

  it('simulate names the scenarios there are', async () => {
    const { code, err } = await cli(['simulate', '--scenario', 'labb']);
    expect(code).to.equal(1);
    expect(err).to.match(/^there is no scenario "labb": choose one of lab, demo, [^\n]+\n$/);
  });

  describe('init', () => {
    const answers = (...last: string[]): string[] => {
      const { user, tokenName, value } = simulator.token;
      return [`127.0.0.1:${node(0).port}`, 'y', `${user}!${tokenName}`, value, ...last];
    };
    const initInto = (name: string, lines: string[], ...options: string[]): Promise<CliOutcome> =>
      cli(['init', '--config', `${folder.path}/${name}`, ...options], { lines });

    it('writes a file that test takes, with the token in a file of its own, both for the owner alone', async () => {
      const { code, out, err } = await initInto('a/config.yaml', answers(''));
      expect(code, out + err).to.equal(0);
      expect(out).to.include('✓ Proxmox API connection successful').and.include('Next: proxmox-tracker serve');
      const text = readFileSync(`${folder.path}/a/config.yaml`, 'utf8');
      expect(text).not.to.include(simulator.token.value);
      expect(text).to.include('  - name: pve-01\n').and.include('    token_file: ');
      for (const file of ['a/config.yaml', 'a/data/pve-01.token']) {
        expect(statSync(`${folder.path}/${file}`).mode & 0o777, file).to.equal(0o600);
      }
      expect(err).to.include(node(0).fingerprint);
    });

    it('keeps comments and defaults of the shipped file', async () => {
      await initInto('b.yaml', answers('config'), '--name', 'office');
      const shipped = readFileSync(`${packageRoot}/config.yaml`, 'utf8').split('\n');
      const text = readFileSync(`${folder.path}/b.yaml`, 'utf8');
      shipped.filter((line) => line !== 'nodes: []').forEach((line) => expect(text).to.include(line));
      const { nodes } = loadConfig(`${folder.path}/b.yaml`, {});
      expect(nodes[0]).to.deep.include({ name: 'office', tokenValue: simulator.token.value, scope: 'cluster' });
    });

    it('names the variable when the token is to be in the environment', async () => {
      const { code, out } = await initInto('c.yaml', answers('env'));
      expect(code).to.equal(0);
      expect(out).to.include("Set PVE_01_TOKEN to the token's secret").and.not.include(simulator.token.value);
      expect(readFileSync(`${folder.path}/c.yaml`, 'utf8')).to.include('token_value: ${PVE_01_TOKEN}');
    });

    it('leaves a file that has nodes alone, unless forced to', async () => {
      const before = readFileSync(folder.config, 'utf8');
      const refused = await initInto('config.yaml', answers('config'));
      expect([refused.code, refused.out]).to.deep.equal([1, '']);
      expect(refused.err).to.include('has 4 nodes already').and.include('--force');
      expect(readFileSync(folder.config, 'utf8')).to.equal(before);
      expect((await initInto('config.yaml', answers('config'), '--force')).code).to.equal(0);
      expect(loadConfig(folder.config, {}).nodes).to.have.length(1);
    });

    it('writes nothing when the certificate is not confirmed', async () => {
      const refused = await initInto('d.yaml', [`127.0.0.1:${node(0).port}`, '']);
      expect(refused.code).to.equal(1);
      expect(refused.err).to.match(/the certificate was not confirmed, so nothing was written\n$/);
      expect(existsSync(`${folder.path}/d.yaml`)).to.equal(false);
    });

    it('does not show the secret that is typed at a terminal', async () => {
      const { code, err } = await cli(['init', '--config', `${folder.path}/e.yaml`], {
        lines: answers('config'),
        isTerminal: true,
      });
      expect(code).to.equal(0);
      expect(err).to.include("The token's secret: \n").and.not.include(simulator.token.value);
    });

    it('exits 1 when the test of what it wrote fails, and says what is next', async () => {
      const [address = '', yes = '', id = ''] = answers();
      const { code, out } = await initInto('f.yaml', [address, yes, id, 'wrong-secret', 'config']);
      expect(code).to.equal(1);
      expect(out)
        .to.include('✗ pve-01: ')
        .and.match(/Mend that, then run: proxmox-tracker test\n$/);
    });
  });
});
