import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.js';
import { packageRoot } from '../../src/package-root.js';

const deploy = join(packageRoot, 'deploy');
const read = (name: string): string => readFileSync(join(deploy, name), 'utf8');

interface Compose {
  services: Record<string, { secrets: string[]; volumes: string[]; build?: { context: string; dockerfile: string } }>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const words = (word: string): string[][] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(' ').slice(1));

  it('copies what is there, from what its ignore file lets through', () => {
    const allowed = new Set(
      read('Dockerfile.dockerignore')
        .match(/^!.+$/gm)
        ?.map((line) => line.slice(1)),
    );
    for (const name of allowed) expect(existsSync(join(packageRoot, name)), name).to.equal(true);
    const copied = words('COPY').flatMap((args) => args.slice(0, -1));
    const named = copied.filter((arg) => !/^--|^\.$/.test(arg)).map((arg) => arg.replace('/build/', ''));
    // These two are made by the build.
    expect(named.filter((name) => !allowed.has(name))).to.have.members(['node_modules', 'dist']);
  });

  it('copies every folder that the package brings but the means of deployment', () => {
    const { files } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { files: string[] };
    const copied = words('COPY').flat().join(' ');
    for (const name of files.filter((each) => each !== 'deploy')) expect(copied, name).to.contain(name);
  });

  it('runs as a user of its own and looks after its health', () => {
    expect(words('USER')).to.deep.equal([['node']]);
    expect(words('HEALTHCHECK')).to.have.length(1);
    expect(words('FROM')).to.have.length(2);
  });
});

describe('compose.yaml', () => {
  const compose = parse(read('compose.yaml')) as Compose;

  it('mounts and builds from what is there, and declares what it uses', () => {
    for (const { secrets, volumes, build } of Object.values(compose.services)) {
      expect(Object.keys(compose.secrets)).to.include.members(secrets);
      for (const [source = ''] of volumes.map((each) => each.split(':'))) {
        if (source.startsWith('.')) expect(existsSync(resolve(deploy, source)), source).to.equal(true);
        else expect(Object.keys(compose.volumes)).to.include(source);
      }
      if (build !== undefined)
        expect(existsSync(resolve(deploy, build.context, build.dockerfile)), build.dockerfile).to.equal(true);
    }
  });

  it('hands the manager a configuration that it takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tracker-compose-'));
    writeFileSync(join(folder, 'db_password'), 'a password\n');
    const text = read('compose.config.yaml').replace('/run/secrets', folder);
    const config = parseConfig(text, { file: '/config/config.yaml', env: {} });
    rmSync(folder, { recursive: true });
    expect(config.database).to.include({ type: 'mysql', host: 'db', password: 'a password' });
    expect(config.security.secretKeyFile).to.match(/^\/data\//);
  });
});
