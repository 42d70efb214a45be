import {
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { securityHeadersFor } from './envelope.js';

/** How long a visitor may take for each stage of a request. */
export interface Patience {
  /** For the handshake of TLS. */
  handshakeMs: number;
  headersMs: number;
  /** For the whole request, body included. */
  requestMs: number;
  /** How often it is looked for those who took longer. */
  checkMs: number;
  /** For what is still underway when the server closes. */
  closeMs: number;
}

export const PATIENCE: Patience = {
  handshakeMs: 15_000,
  headersMs: 15_000,
  requestMs: 30_000,
  checkMs: 5_000,
  closeMs: 5_000,
};

const KEEP_ALIVE_MS = 65_000;
const IDLE_MS = 300_000;
const MAX_HEADERS = 100;
const UNREADABLE: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What a server is made with, so that a slow visitor is cut and every refusal is one of ours, with its headers. */
export function boundedOptions(patience: Patience): ServerOptions {
  return {
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.checkMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Node's own refusal would carry none of our headers: `bounded` refuses instead.
    requireHostHeader: false,
  };
}

/** The answer for requests that name their host, as HTTP 1.1 demands; the others are refused. */
export function bounded(answer: RequestListener): RequestListener {
  return (request, response) => {
    const isNameless = request.headers.host === undefined && request.httpVersion !== '1.0';
    if (isNameless) refuse(request, response, 400, 'The request names no host.');
    else answer(request, response);
  };
}

/**
 * Bounds what a connection may hold, and answers what cannot be read before it is cut. Yields the open connections, also those
 * that have not shaken hands: of them Node's own lists, which closeAllConnections() goes by, know nothing.
 */
export function bindServer(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // Before Node tells of it as a `clientError`: nobody can be answered before the handshake, and end() would wait for it.
  server.prependListener('tlsClientError', (_error: Error, socket: Duplex) => void socket.destroy());
  server.timeout = IDLE_MS;
  server.maxHeadersCount = MAX_HEADERS;
  server.on('clientError', answerUnreadable);
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    refuse(request, response, 417, 'The request expects what is not done here.');
  });
  return open;
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, detail: string): void {
  const body = JSON.stringify({ detail });
  for (const [name, value] of headersOf(isEncrypted(request.socket))) response.setHeader(name, value);
  response.writeHead(status, { 'Content-Length': body.length }).end(body);
}

function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = UNREADABLE[error.code ?? ''] ?? 400;
  const body = JSON.stringify({
    detail: status === 408 ? 'The request took too long.' : 'The request is no HTTP that can be read here.',
  });
  const lines = headersOf(isEncrypted(socket)).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, `Content-Length: ${body.length}`];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function headersOf(isSecure: boolean): [string, string][] {
  const own = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', Connection: 'close' };
  return Object.entries({ ...securityHeadersFor(isSecure), ...own });
}

function isEncrypted(socket: Duplex): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}
