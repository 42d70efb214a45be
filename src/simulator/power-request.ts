import { ApiError, type AnswerContext } from './answer.js';
import { guestOn, requireVm } from './answer-guests.js';
import { targetOf } from './route.js';
import type { GuestEvent, GuestEventBase, GuestType } from './scenario.js';

/** The event that a POST /nodes/{node}/{qemu|lxc}/{vmid}/status/{command} asks for; throws ApiError as Proxmox would refuse it. */
export function powerEvent(context: AnswerContext, segments: readonly string[]): GuestEvent {
  const [nodes, node = '', type, vmidText = '', status, command = ''] = segments;
  if (nodes !== 'nodes' || (type !== 'qemu' && type !== 'lxc') || status !== 'status' || segments.length !== 6) {
    throw new ApiError(501, `Method 'POST /${segments.join('/')}' not implemented`);
  }
  const machine = targetOf(context, node);
  const vmid = Number(vmidText);
  requireVm(context, machine, type, vmid, 'VM.PowerMgmt');
  const { state } = guestOn(context, machine, type, vmid);
  const { user, tokenName } = context.caller.token;
  const base: GuestEventBase = { at: context.at, cluster: context.entry.cluster, vmid, user: `${user}!${tokenName}` };
  if (command === 'start' && state.process !== null && state.lock !== 'backup') {
    throw new ApiError(500, `${type === 'qemu' ? 'VM' : 'CT'} ${vmid} already running`);
  }
  const event = eventOf(base, command, type, context.query);
  if (event === null) throw new ApiError(501, `Method 'POST /${segments.join('/')}' not implemented`);
  return event;
}

function eventOf(
  base: GuestEventBase,
  command: string,
  type: GuestType,
  form: Readonly<Record<string, string>>,
): GuestEvent | null {
  switch (command) {
    case 'start':
      return { ...base, kind: 'start' };
    case 'stop':
      return { ...base, kind: 'stop' };
    case 'shutdown': {
      const timeoutS = Number(form['timeout'] ?? (type === 'qemu' ? 180 : 60));
      return { ...base, kind: 'shutdown', forceStop: form['forceStop'] === '1', timeoutMs: timeoutS * 1000 };
    }
    case 'reboot':
      return { ...base, kind: 'reboot' };
    case 'reset':
      return type === 'qemu' ? { ...base, kind: 'reset' } : null;
    case 'suspend':
      return { ...base, kind: type === 'lxc' || form['todisk'] === '1' ? 'suspend_to_disk' : 'pause' };
    case 'resume':
      return { ...base, kind: 'resume' };
    default:
      return null;
  }
}
