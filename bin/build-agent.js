// Puts the agent into one file that needs nothing but Node 18 or later: dist-agent/proxmox-tracker-agent.mjs, or the file named as argument.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

// One file has no package.json beside it: the version is written into it.
const packageRoot = {
  name: 'package-root',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/]package-root\.ts$/ }, () => ({
      contents: `export const packageRoot = ''; export const packageVersion = ${JSON.stringify(version)};`,
    }));
  },
};

await build({
  absWorkingDir: root,
  entryPoints: ['src/agent-main.ts'],
  outfile: process.argv[2] ?? 'dist-agent/proxmox-tracker-agent.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node18',
  // Packages of CommonJS ask for Node's own modules by require, which a module has not.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  plugins: [packageRoot],
  logLevel: 'warning',
});
