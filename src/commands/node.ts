import { readFileSync } from 'node:fs';
import type { EntryFields, NodeEntries } from '../core/node-entries.js';
import { columns } from './columns.js';
import { CommandError, UsageError, type CliParts, type Command, type OptionValues } from './command.js';
import { openTerminal } from './terminal.js';
import { withEntries } from './with-entries.js';

const speaker = { actor: 'command line', address: null };

export const nodeAdd: Command = {
  name: 'node add',
  operands: ['NAME'],
  summary: 'Add a node to those of config.yaml, in the database; serve polls it within an interval',
  options: {
    host: { type: 'string', value: 'HOST', isRequired: true, help: "the node's address or host name" },
    port: { type: 'string', value: 'PORT', help: 'default 8006' },
    user: { type: 'string', value: 'USER', help: 'default tracker@pve' },
    'token-name': { type: 'string', value: 'TOKEN', help: 'default tracker' },
    'token-file': { type: 'string', value: 'FILE', help: "a file with the token's secret" },
    fingerprint: { type: 'string', value: 'FP', help: "SHA-256 of the node's certificate, or one of the next three" },
    ca: { type: 'string', value: 'FILE', help: "the cluster's CA, a copy of /etc/pve/pve-root-ca.pem" },
    'public-ca': { type: 'boolean', help: 'the certificate is of a public CA' },
    insecure: { type: 'boolean', help: 'trust whoever answers' },
    'this-node-only': { type: 'boolean', help: 'do not track the other members of its cluster' },
    journal: { type: 'boolean', help: 'also read the journal (the token then needs Sys.Syslog)' },
  },
  notes: [
    "The token's secret is asked at a terminal; else it is the first line of standard input, or of --token-file.",
  ],
  async run(invocation) {
    const { positionals, values, parts, print } = invocation;
    const name = positionals[0] ?? '';
    const fields = { ...fieldsOf(name, values), token_value: await secretOf(name, values, parts) };
    return withEntries(invocation, async (entries) => {
      const { name: called, isNew, error } = await entries.add(fields, speaker);
      print(`Node ${called} ${isNew ? 'is added' : 'has its new token'}.`);
      if (error === null) return 0;
      print(`✗ It does not answer: ${error}`);
      return 1;
    });
  },
};

export const nodeList: Command = {
  name: 'node list',
  summary: 'List the nodes of config.yaml and of the database',
  async run(invocation) {
    return withEntries(invocation, async (entries) => {
      const rows = (await entries.list()).map((entry) => [
        entry.name,
        `${entry.host}:${entry.port}`,
        entry.scope,
        entry.origin === 'config' ? 'config.yaml' : 'database',
        [...entry.nodes].join(', ') || '-',
        entry.state === 'unused' ? (entry.problem ?? '') : '',
      ]);
      if (rows.length === 0) invocation.print('There is no node yet: add one by "proxmox-tracker node add NAME".');
      else columns(['NAME', 'ADDRESS', 'SCOPE', 'FROM', 'TRACKED', ''], rows).forEach((line) => invocation.print(line));
      return 0;
    });
  },
};

export const nodeRemove: Command = {
  name: 'node remove',
  operands: ['NAME'],
  summary: 'Take a node of the database away; its history stays',
  options: { yes: { type: 'boolean', help: 'do not ask' } },
  async run(invocation) {
    const { positionals, values, parts, print } = invocation;
    const name = positionals[0] ?? '';
    return withEntries(invocation, async (entries) => {
      if (values['yes'] !== true && !(await isMeant(name, entries, parts))) return 1;
      const { nodes } = await entries.remove(name, speaker);
      const ended = nodes.length === 0 ? 'No node was tracked by it alone.' : `Tracked no more: ${nodes.join(', ')}.`;
      print(`The entry ${name} is gone. ${ended}`);
      return 0;
    });
  },
};

function fieldsOf(name: string, values: OptionValues): EntryFields {
  const port = values['port'];
  if (typeof port === 'string' && !/^\d{1,5}$/.test(port)) throw new UsageError(`--port is "${port}": write a number`);
  const { ca } = values;
  const isInsecure = values['insecure'] === true;
  return {
    name,
    host: values['host'],
    ...(typeof port === 'string' ? { port: Number(port) } : {}),
    user: values['user'] ?? 'tracker@pve',
    token_name: values['token-name'] ?? 'tracker',
    fingerprint: values['fingerprint'] ?? null,
    ca_pem: typeof ca === 'string' ? readText(ca, '--ca') : null,
    verify_ssl: values['public-ca'] === true ? true : isInsecure ? false : null,
    scope: values['this-node-only'] === true ? 'node' : 'cluster',
    journal: values['journal'] === true,
  };
}

/** Never an argument: a list of processes would show it. */
async function secretOf(name: string, values: OptionValues, parts: CliParts): Promise<string> {
  const file = values['token-file'];
  if (typeof file === 'string') return readText(file, '--token-file').split('\n')[0]?.trim() ?? '';
  const terminal = openTerminal(parts);
  try {
    return (await terminal.askSecret(`API token of "${name}": `)).trim();
  } finally {
    terminal.close();
  }
}

async function isMeant(name: string, entries: NodeEntries, parts: CliParts): Promise<boolean> {
  const entry = (await entries.list()).find((one) => one.name === name);
  if (entry === undefined || entry.origin === 'config') return true;
  const lost = entry.onlyNodes.length === 0 ? 'no node' : entry.onlyNodes.join(', ');
  const terminal = openTerminal(parts);
  try {
    const answer = await terminal.ask(
      `This ends the tracking of ${lost} and forgets the token. Remove ${name}? [y/N] `,
    );
    return /^y(es)?$/i.test(answer);
  } finally {
    terminal.close();
  }
}

function readText(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CommandError(`${option} names ${file}, which cannot be read`);
  }
}
