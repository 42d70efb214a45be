import type { WebParts } from '../../parts.js';

export interface FirstSteps {
  relay: string;
  commands: string;
  file: string;
  entry: string;
  test: string;
}

/** What the operator does next where `nodes:` is empty; null where it is not. PVEAuditor may look and nothing else. */
export function firstStepsOf(parts: WebParts, nodeCount: number): FirstSteps | null {
  if (parts.config.nodes.length > 0 || nodeCount > 0) return null;
  const config = parts.config.file === '' ? 'config.yaml' : parts.config.file;
  return { relay, commands, file: config, entry, test: 'proxmox-tracker test\nproxmox-tracker serve' };
}

const relay = 'scp deploy/relay.sh root@pve-01: && ssh root@pve-01 sh relay.sh';

const commands = `pveum user add tracker@pve --comment "running-time tracker"
pveum acl modify / --users tracker@pve --roles PVEAuditor
pveum user token add tracker@pve tracker --privsep 0`;

const entry = `nodes:
  - name: pve-01
    host: 10.0.0.11            # the node's address
    user: tracker@pve
    token_name: tracker
    token_value: "the value that the token command printed"
    fingerprint: "AB:CD:..."   # proxmox-tracker fingerprint 10.0.0.11`;
