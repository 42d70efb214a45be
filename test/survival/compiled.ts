import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../src/package-root.js';

const FOLDERS = ['src/core', 'src/ledger', 'src/collect', 'src/config', 'src/proxmox', 'test/survival', 'test/fuzz'];

let compiled: string | null = null;

/** A folder with the sources as JavaScript, made once a run and removed at its end: processes that start from there start in a fraction of the time. */
export function compiledRoot(): string {
  if (compiled !== null) return compiled;
  const root = mkdtempSync(join(tmpdir(), 'tracker-compiled-'));
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.d.ts') || name.endsWith('.test.ts')) continue;
      const path = join(folder, name);
      const { outputText } = ts.transpileModule(readFileSync(join(packageRoot, path), 'utf8'), { compilerOptions });
      const target = join(root, path.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, outputText);
    }
  }
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(packageRoot, 'node_modules'), join(root, 'node_modules'));
  compiled = root;
  return root;
}
