import got, { type Got, type Response } from 'got';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { NodeTrust } from '../config/config.js';
import type { Exchange } from '../core/observation.js';
import type { Log } from '../log.js';
import { ProxmoxError } from './errors.js';
import { failureOf, isClosedEarly, placeOf, statusFailure } from './failure.js';
import { PinnedAgent, type PinnedAgentParts, PROVEN } from './pinned-agent.js';
import { certificateFault, expiryWarning } from './trust.js';

/** What a request was answered, between two instants of the manager's clock (ledger rule 1). */
export interface Answer {
  data: unknown;
  /** Rows that match in all, where Proxmox counts them (it leaves the count out when it is 0). */
  total: number | null;
  /** Epoch ms at which the request could leave: the connection stood and its certificate was accepted. */
  sentAt: number;
  /** Epoch ms at which the answer was whole. */
  receivedAt: number;
  /** The Date header as epoch ms (whole seconds): the clock of the server that answered, not of the node asked about. */
  dateAt: number | null;
}

export interface ProxmoxApi {
  /** GET /api2/json{path}; throws ProxmoxError, and nothing else, when there is no whole answer with status 200. */
  get(path: string, query?: Record<string, string | number>): Promise<Answer>;
  /** Requests sent, retries among them. */
  requestCount: number;
  /** TLS handshakes finished. */
  handshakeCount: number;
  close(): void;
}

export interface ClientTarget {
  host: string;
  port: number;
  user: string;
  tokenName: string;
  tokenValue: string;
  trust: NodeTrust;
  expectedNode?: string | null;
  timeoutMs: number;
  /** Bytes of a decompressed answer beyond which it is refused; 16 MiB by default. */
  maxAnswerBytes?: number;
}

export interface ClientParts {
  clock: Clock;
  log: Log;
  trustedFingerprints?: () => ReadonlySet<string>;
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_PHASE_MS = 5_000;
const DAY_MS = 24 * 3_600_000;
const NO_FINGERPRINTS: ReadonlySet<string> = new Set();

/** A client of one server's API: it holds the token, at most two connections, and sends nothing before the certificate is accepted. */
export function createClient(target: ClientTarget, parts: ClientParts): ProxmoxApi {
  const place = placeOf(target);
  if (target.trust.kind === 'unverified') {
    parts.log.warn(
      `the certificate of ${place} is NOT verified (verify_ssl: false): anyone on the way can read the token. ` +
        `Pin it: proxmox-tracker fingerprint ${place}`,
    );
  }
  const agent = new PinnedAgent({ clock: parts.clock, trust: target.trust, judge: judgeOf(target, parts, place) });
  const send = senderOf(target, parts.clock, agent);
  let requestCount = 0;

  return {
    get: async (path, query = {}) => {
      agent.dropIdle();
      requestCount += 1;
      const first = await send(path, query);
      if (first !== 'closed_on_reuse') return first;
      // pveproxy closed the kept connection as the request left: it has not answered, and a GET may be asked again.
      agent.dropIdle(0);
      requestCount += 1;
      const second = await send(path, query);
      if (second !== 'closed_on_reuse') return second;
      throw new ProxmoxError(
        'unreachable',
        `${place} closed the connection twice without an answer: is pveproxy restarting?`,
      );
    },
    get requestCount() {
      return requestCount;
    },
    get handshakeCount() {
      return agent.handshakeCount;
    },
    close: () => agent.destroy(),
  };
}

/** The verdict on a certificate, and once a day the warning that it ends soon. */
function judgeOf(target: ClientTarget, parts: ClientParts, place: string): PinnedAgentParts['judge'] {
  let warnedAt = -Infinity;
  return (leaf, chainFault) => {
    const now = parts.clock.now();
    const warning = expiryWarning(leaf, place, now);
    if (warning !== null && now - warnedAt >= DAY_MS) {
      warnedAt = now;
      parts.log.warn(warning);
    }
    const trustedFingerprints = parts.trustedFingerprints?.() ?? NO_FINGERPRINTS;
    const { host, port, trust, expectedNode = null } = target;
    return certificateFault({ leaf, chainFault }, { host, port, trust, expectedNode, trustedFingerprints });
  };
}

type Send = (path: string, query: Record<string, string | number>) => Promise<Answer | 'closed_on_reuse'>;

function senderOf(target: ClientTarget, clock: Clock, agent: PinnedAgent): Send {
  const place = placeOf(target);
  const maxBytes = target.maxAnswerBytes ?? MAX_ANSWER_BYTES;
  const request = requesterOf(target, agent);
  return async (path, query) => {
    const abort = new AbortController();
    let sentAt = clock.now();
    let isReused = false;
    let isTooLarge = false;
    const onSocket = (sent: ClientRequest, socket: Socket): void => {
      isReused = sent.reusedSocket;
      sentAt = clock.now();
      if (!agent.isProven(socket)) socket.once(PROVEN, () => (sentAt = clock.now()));
    };
    try {
      const pending = request(`api2/json${path}`, { searchParams: query, signal: abort.signal });
      void pending.on('request', (sent) => {
        if (sent.socket) onSocket(sent, sent.socket);
        else sent.once('socket', (socket) => onSocket(sent, socket));
      });
      void pending.on('downloadProgress', ({ transferred }) => {
        if (transferred <= maxBytes) return;
        isTooLarge = true;
        abort.abort();
      });
      const response = await pending;
      return answerOf(response, `${place}: GET ${path}`, { sentAt, receivedAt: clock.now() });
    } catch (error) {
      if (isTooLarge) throw new ProxmoxError('bad_answer', tooLargeSentence(place, path, maxBytes));
      if (isReused && isClosedEarly(error)) return 'closed_on_reuse';
      throw failureOf(error, place);
    }
  };
}

function requesterOf(target: ClientTarget, agent: PinnedAgent): Got {
  // Less than the whole, so that the phase that hangs is the one that is named.
  const phaseMs = Math.min(MAX_PHASE_MS, Math.floor(target.timeoutMs * 0.8));
  return got.extend({
    prefixUrl: `https://${placeOf(target)}/`,
    headers: {
      authorization: `PVEAPIToken=${target.user}!${target.tokenName}=${target.tokenValue}`,
      'user-agent': 'proxmox-tracker',
      'accept-encoding': 'gzip',
    },
    agent: { https: agent },
    timeout: { lookup: phaseMs, connect: phaseMs, secureConnect: phaseMs, request: target.timeoutMs },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
  });
}

function answerOf(response: Response<string>, request: string, exchange: Exchange): Answer {
  if (response.statusCode !== 200) {
    throw statusFailure(response.statusCode, response.statusMessage ?? '', request);
  }
  const body = parseBody(response.body, request);
  const total = 'total' in body ? Number(body.total) : NaN;
  const dateAt = Date.parse(response.headers.date ?? '');
  return {
    data: body.data,
    total: Number.isSafeInteger(total) ? total : null,
    sentAt: exchange.sentAt,
    receivedAt: exchange.receivedAt,
    dateAt: Number.isNaN(dateAt) ? null : dateAt,
  };
}

function parseBody(text: string, request: string): { data: unknown } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // What it was, is not quoted: a login page or a proxy's error says nothing that its first bytes would explain.
    throw new ProxmoxError(
      'bad_answer',
      `${request} was answered with something that is not JSON: is a proxy in between?`,
    );
  }
  if (typeof body !== 'object' || body === null || !('data' in body)) {
    throw new ProxmoxError('bad_answer', `${request} was answered with JSON without "data": is this a Proxmox API?`);
  }
  return body;
}

function tooLargeSentence(place: string, path: string, maxBytes: number): string {
  return `${place}: the answer to GET ${path} is larger than ${Math.floor(maxBytes / 1024)} KiB and was cut off: nothing of it is used`;
}
