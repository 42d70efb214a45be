import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { clientSchema } from '../../src/config/client-schema.js';
import { fileSchema, type Schema } from '../../src/config/schema.js';
import { packageRoot } from '../../src/package-root.js';

describe('what is written about the configuration', () => {
  const keys = keysOf(fileSchema);

  it('names every key in docs/config.md', () => {
    const page = readFileSync(join(packageRoot, 'docs/config.md'), 'utf8');
    const written = new Set([...page.matchAll(/`([a-z_.]+)`/g)].map(([, word = '']) => word));
    const missing = keys.filter((key) => !written.has(key) && !written.has(key.split('.').slice(1).join('.')));
    expect(missing).to.deep.equal([]);
  });

  it('names every key but the secret files in the shipped config.yaml', () => {
    const text = readFileSync(join(packageRoot, 'config.yaml'), 'utf8');
    const missing = keys.map((key) => key.split('.').at(-1) ?? '').filter((key) => !text.includes(`${key}:`));
    expect(missing.filter((key) => !key.endsWith('_file'))).to.deep.equal([]);
  });

  it('names every key of the agent under client_config.yaml in docs/config.md, and in the sample', () => {
    const page = readFileSync(join(packageRoot, 'docs/config.md'), 'utf8').split('## client_config.yaml')[1] ?? '';
    const written = new Set([...page.matchAll(/`([a-z_.]+)`/g)].map(([, word = '']) => word));
    expect(keysOf(clientSchema).filter((key) => !written.has(key))).to.deep.equal([]);
    const sample = readFileSync(join(packageRoot, 'deploy/client_config.yaml'), 'utf8');
    const missing = keysOf(clientSchema).filter(
      (key) => !new RegExp(`\\b${key.split('.').at(-1) ?? ''}\\b`).test(sample),
    );
    expect(missing).to.deep.equal([]);
  });
});

function keysOf(schema: Schema, prefix = ''): string[] {
  const inner = schema.properties ?? schema.items?.properties;
  if (inner === undefined) return [prefix.replace(/\.$/, '')];
  return Object.entries(inner).flatMap(([name, each]) => keysOf(each, `${prefix}${name}.`));
}
