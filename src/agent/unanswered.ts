/** Why a call to the manager had no whole answer, as a sentence with cause and mend. */
export function unansweredSentence(error: unknown, url: string, timeoutSeconds: number): string {
  const code = codeOf(error);
  switch (code) {
    case 'ETIMEDOUT':
      return `${url} did not answer within ${timeoutSeconds} s: is the manager up, and does a firewall drop its port?`;
    case 'ECONNREFUSED':
      return `${url} refused the connection: nothing listens there. Is the manager up, and is the port right?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${url} cannot be found by DNS (${code}): correct the name in manager.url or put an IP address there`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${url} cannot be reached (${code}): no route to it; check network, VPN and firewall`;
    default:
      return code.startsWith('ERR_SSL') || code === 'EPROTO'
        ? `${url} does not speak TLS there (${code}): is it plain HTTP, http://?`
        : `${url} broke off without an answer (${code}): is a proxy in between, or is it https:// there?`;
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error code';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && code !== 'ERR_GOT_REQUEST_ERROR') return code;
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0]);
  return error.cause === undefined ? 'no error code' : codeOf(error.cause);
}
