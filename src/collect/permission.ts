import type { Clock } from '../clock.js';
import type { GuestRow, GuestType, NodeObservation, Seen } from '../core/observation.js';
import { probePermissions } from '../proxmox/cluster.js';
import type { Member, Route } from './member.js';

/** An empty list where guests were known may be a lost permission, which shows as nothing at all (proxmox-api.md, trap 4). */
export async function withPermission(
  member: Member,
  route: Route,
  observation: NodeObservation,
  clock: Clock,
): Promise<NodeObservation> {
  const suspicious = (['qemu', 'lxc'] as const).filter((type) => isEmpty(observation[type]) && hasGuests(member, type));
  if (suspicious.length === 0) return observation;
  const probe = await probePermissions(route.api, member.node, clock);
  const lost = probe.kind === 'seen' ? probe.value.missing.find((one) => one.privilege === 'VM.Audit') : undefined;
  if (probe.kind === 'seen' && lost === undefined) return observation;
  const detail =
    lost === undefined
      ? 'the guests vanished from the list and the token’s permissions could not be read'
      : `the token lacks VM.Audit on ${lost.path}: its guests are not shown any more`;
  const result = { ...observation };
  for (const type of suspicious) {
    const list = observation[type];
    if (list === null) continue;
    result[type] = {
      kind: 'not_seen',
      reason: 'permission_lost',
      detail,
      sentAt: list.sentAt,
      receivedAt: list.receivedAt,
    };
  }
  return result;
}

function isEmpty(list: Seen<GuestRow[]> | null): boolean {
  return list?.kind === 'seen' && list.value.length === 0;
}

function hasGuests(member: Member, type: GuestType): boolean {
  for (const guest of member.ledger.state.guests.values()) {
    if (guest.type === type && guest.isOpen && guest.nodeId === member.nodeId) return true;
  }
  return false;
}
