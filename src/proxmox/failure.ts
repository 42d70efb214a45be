import { ReadError } from 'got';
import { ProxmoxError } from './errors.js';

/** Where a request went, for sentences: "10.0.0.11:8006". */
export function placeOf(target: { host: string; port: number }): string {
  return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

/** What kept a request from a whole answer, by its code; `other`: something of which the code alone tells. */
export type FailureCause = 'timed_out' | 'refused' | 'not_found' | 'no_route' | 'no_tls' | 'closed' | 'other';

const PROTOCOL_CODE = /^(EPROTO|ERR_SSL_|ERR_TLS_)/;
const CLOSED_CODE = /^(ECONNRESET|EPIPE|ECONNABORTED)$/;

/** The failure of a request that brought no whole answer, as one of our kinds with a sentence for the operator. */
export function failureOf(error: unknown, place: string): ProxmoxError {
  if (error instanceof ProxmoxError) return error;
  if (!(error instanceof Error)) return new ProxmoxError('bad_answer', `${place} failed for an unknown reason`);
  if (error.cause instanceof ProxmoxError) return error.cause;
  const phase = timedOutPhase(error) ?? timedOutPhase(error.cause);
  if (phase !== null) return new ProxmoxError('timeout', timeoutSentence(phase, place));
  const code = codeOf(error);
  if (error instanceof ReadError) {
    return new ProxmoxError(
      'bad_answer',
      `${place} broke off in the middle of its answer (${code}): nothing of it is used`,
    );
  }
  if (code.startsWith('HPE_')) {
    return new ProxmoxError(
      'bad_answer',
      `${place} does not speak HTTP as Proxmox does (${code}): is host and port that of pveproxy?`,
    );
  }
  if (causeOf(code) === 'no_tls') {
    return new ProxmoxError(
      'tls',
      `${place} does not speak TLS as Proxmox does (${code}): Proxmox's API listens on port 8006 by default; check host and port`,
    );
  }
  return new ProxmoxError('unreachable', unreachableSentence(code, place));
}

/** The phase of got's time-out, or the kernel's own of connecting. On Node 24 got wraps its TimeoutError in a plain RequestError. */
function timedOutPhase(error: unknown): string | null {
  if (!(error instanceof Error) || codeOf(error) !== 'ETIMEDOUT') return null;
  if (error.name !== 'TimeoutError') return error.cause instanceof Error ? null : 'connect';
  return 'event' in error ? String(error.event) : 'request';
}

function timeoutSentence(phase: string, place: string): string {
  switch (phase) {
    case 'connect':
    case 'lookup':
      return `${place} did not take the connection in time: is the host up, and does a firewall drop port and address?`;
    case 'secureConnect':
      return `${place} took the connection but did not finish the TLS handshake in time: is this Proxmox's port (8006), and is pveproxy alive?`;
    default:
      return `${place} did not answer in time: the node or its storage may hang; polling.timeout_seconds says how long is waited`;
  }
}

function unreachableSentence(code: string, place: string): string {
  switch (causeOf(code)) {
    case 'refused':
      return `${place} refused the connection: nothing listens there. Is pveproxy running, and is the port right (Proxmox: 8006)?`;
    case 'not_found':
      return `${place} cannot be found by DNS (${code}): correct the host's name or put its IP address there`;
    case 'no_route':
      return `${place} cannot be reached (${code}): no route to the host; check network, VPN and firewall`;
    case 'closed':
      return `${place} closed the connection without an answer (${code}): is this Proxmox's port (8006), and does a firewall or proxy lie between?`;
    default:
      return `${place} cannot be reached (${code}): check host, port and network`;
  }
}

/** The cause that a code of Node, the kernel or TLS stands for. */
export function causeOf(code: string): FailureCause {
  if (code === 'ETIMEDOUT') return 'timed_out';
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA') return 'not_found';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EHOSTDOWN') return 'no_route';
  if (PROTOCOL_CODE.test(code)) return 'no_tls';
  return CLOSED_CODE.test(code) ? 'closed' : 'other';
}

/** The code that tells why a request failed, from wherever in the error it stands; else "no error code". */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error code';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && code !== 'ERR_GOT_REQUEST_ERROR') return code;
  // Happy-eyeballs connecting fails with an AggregateError, whose members tell the reason.
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}

/** True when the peer closed the connection before an answer began: on a kept-alive socket this is pveproxy's idle time-out. */
export function isClosedEarly(error: unknown): boolean {
  return error instanceof Error && !(error instanceof ReadError) && CLOSED_CODE.test(codeOf(error));
}

/**
 * An answer with a status other than 200, as one of our kinds. Proxmox puts its own sentence into the status line
 * (pve-http-server, AnyEvent.pm `error`), which names privilege and path.
 */
export function statusFailure(statusCode: number, statusMessage: string, request: string): ProxmoxError {
  const said = printable(statusMessage);
  const facts = { statusCode, said };
  // Proxmox ends some of its sentences itself: ours has its own stop.
  const quoted = said === null ? '' : `: ${said.replace(/[\s.!]+$/, '')}`;
  if (statusCode === 401) {
    return new ProxmoxError(
      'unauthorized',
      `${request} was refused with 401${quoted}. The token is wrong, expired or removed: check user, token_name and token_value (\`pveum user token list USER\` on the node)`,
      facts,
    );
  }
  if (statusCode === 403) {
    return new ProxmoxError(
      'forbidden',
      `${request} was refused with 403${quoted}. Give user and token the missing privilege`,
      facts,
    );
  }
  if (statusCode >= 595 && statusCode <= 599) {
    return new ProxmoxError(
      'unreachable',
      `${request} failed with ${statusCode}${quoted}. The server that answered cannot reach that node: is it up and in the cluster's network?`,
      facts,
    );
  }
  if (statusCode >= 500) {
    return new ProxmoxError('unreachable', `${request} failed with ${statusCode}${quoted}`, facts);
  }
  return new ProxmoxError(
    'bad_answer',
    `${request} was answered with ${statusCode}${quoted}: this is not how a Proxmox API answers; check host and port`,
    facts,
  );
}

/** A line of a peer's text, fit for logs: no control characters, at most 300 characters; null when nothing is left. */
export function printable(text: string): string | null {
  const line = text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, 300);
  return line === '' ? null : line;
}
