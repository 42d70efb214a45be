import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Clock } from '../../src/clock.js';
import type { Log } from '../../src/log.js';
import { createAuthority, type Authority, type Issued } from './certificates.js';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTPS server on a free port of the loopback, that answers what the test tells it. */
export interface NodeServer {
  port: number;
  /** Paths with their query, in the order in which they came. */
  requests: string[];
  /** Authorization headers as they came. */
  tokens: string[];
  /** Bytes that the server could decrypt. */
  plainByteCount(): number;
  connectionCount(): number;
  /** Replaces what it answers. */
  answer(handler: Handler): void;
  /** Serves another certificate to new connections. */
  present(issued: Issued): void;
  /** Cuts every connection. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startNodeServer(issued: Issued, handler: Handler = ok([])): Promise<NodeServer> {
  const requests: string[] = [];
  const tokens: string[] = [];
  const sockets = new Set<Socket>();
  let answer = handler;
  let plainBytes = 0;
  let connections = 0;
  const server = https.createServer({ cert: issued.cert, key: issued.key }, (request, response) => {
    requests.push(request.url ?? '');
    tokens.push(request.headers.authorization ?? '');
    answer(request, response);
  });
  server.keepAliveTimeout = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket) =>
    socket.prependListener('data', (chunk: Buffer) => (plainBytes += chunk.length)),
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    tokens,
    plainByteCount: () => plainBytes,
    connectionCount: () => connections,
    answer: (next) => (answer = next),
    present: (next) => server.setSecureContext({ cert: next.cert, key: next.key }),
    cut: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

/** A TCP server without TLS, for ports that are not Proxmox's. */
export async function startPlainServer(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

/** Answers 200 with `{data}` as pveproxy does. */
export function ok(data: unknown, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8', ...headers });
    response.end(JSON.stringify({ data }));
  };
}

/** Fails as pveproxy does: the sentence is in the status line, and the connection closes. */
export function failing(statusCode: number, sentence: string): Handler {
  return (_request, response) => {
    response.writeHead(statusCode, sentence, { connection: 'close' });
    response.end(JSON.stringify({ data: null }));
  };
}

/** Answers by path (without prefix and query); what is not told is 501, as for an unknown path. */
export function byPath(answers: Record<string, Handler>): Handler {
  return (request, response) => {
    const path = new URL(request.url ?? '', 'https://node').pathname.replace('/api2/json', '');
    (answers[path] ?? failing(501, `Method 'GET ${path}' not implemented`))(request, response);
  };
}

/** A clock that stands still until it is moved. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function standingClock(startAt = Date.UTC(2026, 10, 24, 12)): TestClock {
  let at = startAt;
  return { now: () => at, monotonicMs: () => at, advance: (ms) => void (at += ms) };
}

/** A log that keeps its lines. */
export function keptLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

let authority: Promise<Authority> | null = null;
let leaf: Promise<Issued> | null = null;

/** One CA for all tests that do not care which. */
export function sharedAuthority(): Promise<Authority> {
  return (authority ??= createAuthority());
}

/** One leaf of it, for pve1 at 127.0.0.1. */
export function sharedLeaf(): Promise<Issued> {
  return (leaf ??= sharedAuthority().then((ca) => ca.issue({ commonName: 'pve1', dns: ['pve1'], ip: ['127.0.0.1'] })));
}
