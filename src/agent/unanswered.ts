import { causeOf, codeOf } from '../proxmox/failure.js';

/** Why a call to the manager had no whole answer, as a sentence with cause and mend. */
export function unansweredSentence(error: unknown, url: string, timeoutSeconds: number): string {
  const code = codeOf(error);
  switch (causeOf(code)) {
    case 'timed_out':
      return `${url} did not answer within ${timeoutSeconds} s: is the manager up, and does a firewall drop its port?`;
    case 'refused':
      return `${url} refused the connection: nothing listens there. Is the manager up, and is the port right?`;
    case 'not_found':
      return `${url} cannot be found by DNS (${code}): correct the name in manager.url or put an IP address there`;
    case 'no_route':
      return `${url} cannot be reached (${code}): no route to it; check network, VPN and firewall`;
    case 'no_tls':
      return `${url} does not speak TLS there (${code}): is it plain HTTP, http://?`;
    case 'closed':
    case 'other':
      return `${url} broke off without an answer (${code}): is a proxy in between, or is it https:// there?`;
  }
}
