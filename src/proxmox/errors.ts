import type { Exchange, NotSeenReason, Seen } from '../core/observation.js';

export type ProxmoxErrorKind = 'unreachable' | 'timeout' | 'tls' | 'unauthorized' | 'forbidden' | 'bad_answer';

/**
 * A request that yielded no answer that can be believed. Its message is a sentence for the operator, with cause and mend.
 * It never carries the request (got's errors hold the headers, and so the token): it has no `cause`.
 */
export class ProxmoxError extends Error {
  override readonly name = 'ProxmoxError';
  readonly kind: ProxmoxErrorKind;
  /** The HTTP status, null where no answer began. */
  readonly statusCode: number | null;
  /** What Proxmox itself said, e.g. "Permission check failed (/vms/104, VM.Audit)". */
  readonly said: string | null;

  constructor(
    kind: ProxmoxErrorKind,
    sentence: string,
    facts: { statusCode?: number | null; said?: string | null } = {},
  ) {
    super(sentence);
    this.kind = kind;
    this.statusCode = facts.statusCode ?? null;
    this.said = facts.said ?? null;
  }
}

/** Why nothing was seen (ledger rule 1); anything but a ProxmoxError is a fault of ours and is thrown on. */
export function notSeenReason(error: unknown): NotSeenReason {
  if (!(error instanceof ProxmoxError)) throw error;
  switch (error.kind) {
    case 'unreachable':
    case 'timeout':
      return 'unreachable';
    case 'tls':
      return 'tls_error';
    case 'unauthorized':
      return 'unauthorized';
    case 'forbidden':
      return 'permission_lost';
    case 'bad_answer':
      return 'bad_answer';
  }
}

/** The not-seen outcome of a failed exchange (ledger rule 1): it ends nothing. Anything but a ProxmoxError is thrown on. */
export function notSeen(error: unknown, exchange: Exchange): Seen<never> {
  const reason = notSeenReason(error);
  const detail = error instanceof Error ? error.message : reason;
  return { kind: 'not_seen', reason, detail, sentAt: exchange.sentAt, receivedAt: exchange.receivedAt };
}

/**
 * True when asking the same node again at once is pointless: no answer began, the token was refused, or pveproxy could not
 * reach the node (595-599, each of which may take it 30 s).
 */
export function isDeadEnd(error: unknown): boolean {
  if (!(error instanceof ProxmoxError)) return false;
  if (error.kind === 'timeout' || error.kind === 'tls' || error.kind === 'unauthorized') return true;
  return error.kind === 'unreachable' && (error.statusCode === null || error.statusCode >= 595);
}
