import type { NodeCheck } from '../proxmox/check-node.js';

/** What `test`, and the agent's, print of one node. */
export function linesOf(check: NodeCheck): string[] {
  if (!check.ok) return [`✗ ${check.name}: ${check.sentence}`];
  const where = check.cluster === null ? 'standalone' : `cluster ${check.cluster}`;
  // The configuration may call the node otherwise than Proxmox does: then both are told.
  const name = check.name === check.node ? check.node : `${check.name}, which is ${check.node} in Proxmox`;
  const granted = check.privileges.map(
    ({ privilege, path, isGranted }) => `${privilege} on ${path} ${isGranted ? '✓' : '✗'}`,
  );
  return [
    '✓ Proxmox API connection successful',
    `  Node: ${name} (${where}, Proxmox VE ${check.version})`,
    `  Token: ${granted.join('   ')}`,
    `  VMs found: ${check.guests.length}`,
    ...check.guests.map(({ vmid, name: guest, status }) => `    - ${vmid}: ${guest ?? '(no name)'} (${status})`),
    ...check.warnings.map((warning) => `  ! ${warning}`),
  ];
}
