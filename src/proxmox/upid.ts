/** What a UPID says of its task. */
export interface Upid {
  node: string;
  pid: number;
  /** Clock ticks (100 Hz) from the node's boot to the worker's start. */
  pstart: number;
  /** Whole seconds of the node's clock. */
  startTimeS: number;
  type: string;
  /** A VMID in most tasks of guests; may be empty. */
  id: string;
  /** user@realm, without a token's name. */
  user: string;
  tokenName: string | null;
}

// pstart outgrows eight digits after 497 days of uptime.
const FORM =
  /^UPID:([a-zA-Z0-9][a-zA-Z0-9-]*):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,13}):([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):$/;

/** A task's UPID in its parts (pve-common, PVE/UPID.pm `decode`), or null for what is none. */
export function parseUpid(text: string): Upid | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const [, node = '', pid = '', pstart = '', start = '', type = '', id = '', owner = ''] = match;
  if (node.endsWith('-')) return null;
  const tokenAt = owner.indexOf('!');
  return {
    node,
    pid: parseInt(pid, 16),
    pstart: parseInt(pstart, 16),
    startTimeS: parseInt(start, 16),
    type,
    id,
    user: tokenAt < 0 ? owner : owner.slice(0, tokenAt),
    tokenName: tokenAt < 0 ? null : owner.slice(tokenAt + 1),
  };
}
