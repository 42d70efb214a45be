import { agent } from './agent.js';
import { backup } from './backup.js';
import { cert } from './cert.js';
import { check } from './check.js';
import type { Command } from './command.js';
import { demo } from './demo.js';
import { fingerprint } from './fingerprint.js';
import { init } from './init.js';
import { keyCreate, keyList, keyRevoke } from './key.js';
import { migrateCommand } from './migrate.js';
import { nodeAdd, nodeList, nodeRemove } from './node.js';
import { once } from './once.js';
import { restore } from './restore.js';
import { serve } from './serve.js';
import { simulate } from './simulate.js';
import { testCommand } from './test.js';
import { userAdd, userList, userPasswd } from './user.js';

/** Every command, in the order of --help. What a command needs is loaded when it runs, so that --help is quick. */
export const commands: readonly Command[] = [
  init,
  testCommand,
  serve,
  once,
  agent,
  check,
  migrateCommand,
  backup,
  restore,
  userAdd,
  userPasswd,
  userList,
  keyCreate,
  keyList,
  keyRevoke,
  nodeAdd,
  nodeList,
  nodeRemove,
  fingerprint,
  cert,
  simulate,
  demo,
];
