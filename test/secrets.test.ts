import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createSecretBox, SecretKeyError } from '../src/secrets.js';

describe('the secret box', () => {
  let folder: string;
  let file: string;
  const token = '12345678-aaaa-bbbb-cccc-1234567890ab';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-secrets-'));
    file = join(folder, 'data', 'secret.key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('opens what it sealed, also after a restart', () => {
    const sealed = createSecretBox(file).seal(token, 'node_entries pve-01');
    expect(createSecretBox(file).open(sealed, 'node_entries pve-01')).to.equal(token);
    for (const text of ['', 'ünïcødé 🜲', 'x'.repeat(10_000)]) {
      const box = createSecretBox(file);
      expect(box.open(box.seal(text, 'c'), 'c')).to.equal(text);
    }
  });

  it('shows nothing of the secret, and seals the same text differently each time', () => {
    const box = createSecretBox(file);
    const [once, twice] = [box.seal(token, 'c'), box.seal(token, 'c')];
    expect(once).to.match(/^v1\.[0-9a-f]{16}\.[A-Za-z0-9_-]+$/);
    expect(once).to.not.equal(twice);
    expect(Buffer.from(once.split('.')[2] ?? '', 'base64url').toString('latin1')).to.not.contain(token.slice(0, 8));
  });

  it('makes the key at the first seal, for its owner alone, and leaves nothing else behind', () => {
    createSecretBox(file).seal(token, 'c');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')).to.have.length(32);
    expect(readdirSync(join(folder, 'data'))).to.deep.equal(['secret.key']);
    const text = readFileSync(file, 'utf8');
    createSecretBox(file).seal(token, 'c');
    expect(readFileSync(file, 'utf8')).to.equal(text);
  });

  it('writes no key into a file that waits under the name of its draft', () => {
    const trap = join(folder, 'trap');
    mkdirSync(join(folder, 'data'));
    symlinkSync(trap, `${file}.${process.pid}.new`);
    createSecretBox(file).seal(token, 'c');
    expect(existsSync(trap)).to.equal(false);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('does not open a text that was moved to another context, or changed in any place', () => {
    const box = createSecretBox(file);
    const sealed = box.seal(token, 'node_entries pve-01');
    expect(() => box.open(sealed, 'node_entries pve-02')).to.throw(SecretKeyError, /enter the secret anew/);
    const start = sealed.lastIndexOf('.') + 1;
    for (let k = start; k < sealed.length - 1; k += 7) {
      const changed = `${sealed.slice(0, k)}${sealed[k] === 'A' ? 'B' : 'A'}${sealed.slice(k + 1)}`;
      expect(() => box.open(changed, 'node_entries pve-01')).to.throw(SecretKeyError, /enter the secret anew/);
    }
    for (const other of ['', 'plain', 'v1.', `v2${sealed.slice(2)}`, sealed.slice(0, start + 10)])
      expect(() => box.open(other, 'node_entries pve-01')).to.throw(SecretKeyError, /enter the secret anew/);
  });

  it('says that all managers need the same key, and makes none where a sealed text is there already', () => {
    const sealed = createSecretBox(join(folder, 'other.key')).seal(token, 'c');
    const sentence = /all managers of one database need the same secret key/;
    expect(() => createSecretBox(file).open(sealed, 'c')).to.throw(SecretKeyError, sentence);
    expect(readdirSync(folder)).to.deep.equal(['other.key']);
    const box = createSecretBox(file);
    box.seal(token, 'c');
    expect(() => box.open(sealed, 'c')).to.throw(SecretKeyError, sentence);
  });

  it('refuses a file that others can read or change, and takes one of root’s group', () => {
    createSecretBox(file).seal(token, 'c');
    for (const mode of [0o604, 0o602, 0o644, 0o666]) {
      chmodSync(file, mode);
      expect(() => createSecretBox(file).seal(token, 'c')).to.throw(SecretKeyError, `chmod 600 ${file}`);
    }
    if (process.getuid?.() !== 0) return;
    chmodSync(file, 0o440);
    expect(() => createSecretBox(file).seal(token, 'c')).to.not.throw();
    chownSync(file, 0, 12_345);
    expect(() => createSecretBox(file).seal(token, 'c')).to.throw(SecretKeyError, `chmod 600 ${file}`);
  });

  it('says what is wrong with a file that holds no key, is a folder or cannot be made', () => {
    createSecretBox(file).seal(token, 'c');
    for (const text of ['', 'short', Buffer.alloc(31).toString('base64'), `${Buffer.alloc(48).toString('base64')}\n`]) {
      writeFileSync(file, text);
      expect(() => createSecretBox(file).seal(token, 'c')).to.throw(SecretKeyError, /openssl rand -base64 32/);
    }
    chmodSync(folder, 0o700);
    expect(() => createSecretBox(folder).seal(token, 'c')).to.throw(SecretKeyError, /EISDIR/);
    expect(() => createSecretBox(join(file, 'below.key')).seal(token, 'c')).to.throw(SecretKeyError, /ENOTDIR/);
  });
});
