import type { FileNode } from './file.js';
import { bool, oneOf, orNull, part, port, secret, section, text, whole, type Schema } from './schema.js';

/** client_config.yaml as it is written: the field's keys, and beside them those of ours, after the schema has filled in the defaults. */
export interface FileClient {
  node: { name: string; hostname: string | null };
  proxmox: Omit<FileNode, 'name' | 'scope' | 'journal' | 'agent_names'> & { timeout: number };
  manager: {
    url: string;
    api_key?: string;
    api_key_file?: string;
    timeout: number;
    fingerprint?: string | null;
    ca_file?: string | null;
    verify_ssl?: boolean | null;
  };
  polling: { interval_seconds: number; track_qemu: boolean; track_lxc: boolean };
  state_file: string;
  outbox: { file: string | null; max_mib: number };
  logging: { level: 'error' | 'warn' | 'info' | 'debug'; format: 'text' | 'json'; file: string };
}

const seconds = { ...whole(1, 300), default: 10 };
const trust = {
  fingerprint: orNull(text('the SHA-256 fingerprint in quotes: 64 hexadecimal digits, with or without colons')),
  ca_file: orNull(text("the path of a CA's certificate (PEM)")),
  verify_ssl: { type: ['boolean', 'null'], expects: 'true or false' },
};

/** The shape of client_config.yaml, with every default. */
export const clientSchema: Schema = {
  ...section({
    node: {
      ...section({
        name: text('what you call the node, such as pve-01'),
        hostname: orNull(text("the node's host name, or null")),
      }),
      required: ['name'],
    },
    proxmox: {
      ...section({
        host: { ...text("the node's address or host name"), default: '127.0.0.1' },
        port: { ...port(1), default: 8006 },
        user: text("the token's user with its realm, such as tracker@pve"),
        token_name: text("the token's name, such as tracker"),
        token_value: secret(),
        token_file: text('the path of a file that holds the token'),
        ...trust,
        timeout: seconds,
      }),
      required: ['user', 'token_name'],
    },
    manager: {
      ...section({
        url: text("the manager's address, such as https://tracker.example.org:8000"),
        api_key: secret(),
        api_key_file: text('the path of a file that holds the key'),
        timeout: seconds,
        ...trust,
      }),
      required: ['url'],
    },
    polling: part({
      interval_seconds: { ...whole(1, 86_400), default: 10 },
      track_qemu: bool(true),
      track_lxc: bool(true),
    }),
    state_file: { ...text('the path of the file that holds what was reported'), default: 'agent-state.json' },
    outbox: part({
      file: orNull(text('the path of the file that holds what is to be delivered, or null')),
      max_mib: { ...whole(1, 4096), default: 16 },
    }),
    logging: part({
      level: oneOf(['error', 'warn', 'info', 'debug'], 'info'),
      format: oneOf(['text', 'json'], 'text'),
      file: { type: 'string', expects: 'the path of a log file, or ""', default: '' },
    }),
  }),
  required: ['node', 'proxmox', 'manager'],
};
