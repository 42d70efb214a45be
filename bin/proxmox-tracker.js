#!/usr/bin/env node
// The command's entry: runs the build in dist/. From a checkout without a build it says how to make one.
import { existsSync } from 'node:fs';

const entry = new URL('../dist/src/main.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  process.stderr.write('proxmox-tracker is not built yet: run "npm run build" in its folder first.\n');
  process.exitCode = 2;
}
