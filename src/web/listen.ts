import { readFileSync } from 'node:fs';
import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { networkInterfaces } from 'node:os';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerConfig } from '../config/config.js';
import { securityHeaders } from './envelope.js';

export interface Listener {
  url: string;
  port: number;
  /** Takes no more requests, lets those underway finish for five seconds, then cuts them. */
  close(): Promise<void>;
}

const CLOSE_MS = 5000;
const SWEEP_MS = 50;

/** Listens as server.host, server.port and server.tls say; rejects with a sentence where that cannot be. */
export async function listen(config: ServerConfig, answer: RequestListener): Promise<Listener> {
  const { cert, key } = config.tls;
  const isTls = cert !== null && key !== null;
  const server = isTls
    ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.2' }, answer)
    : createServer(answer);
  bound(server);
  const port = await listening(server, config.host, config.port);
  const url = config.publicUrl ?? `${isTls ? 'https' : 'http'}://${reachable(config.host)}:${port}`;
  if (!isTls || config.redirectHttpPort === null) return { url, port, close: () => closed(server) };
  const redirect = createServer(redirectTo(config.publicUrl, port));
  bound(redirect);
  try {
    await listening(redirect, config.host, config.redirectHttpPort);
  } catch (error) {
    await closed(server);
    throw error;
  }
  return { url, port, close: async () => void (await Promise.all([closed(server), closed(redirect)])) };
}

/** Every stage of a request has its time, and what cannot be read is answered and cut. */
function bound(server: Server): void {
  server.headersTimeout = 15_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  server.timeout = 300_000;
  server.maxHeadersCount = 100;
  server.on('clientError', answerUnreadable);
}

const UNREADABLE: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = UNREADABLE[error.code ?? ''] ?? 400;
  const body = JSON.stringify({ detail: 'The request is no HTTP that can be read here.' });
  const headers = { ...securityHeaders, 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, `Content-Length: ${body.length}`];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const fault = error.code === 'EADDRINUSE' ? 'another program has that port; choose another one' : error.message;
      reject(new Error(`cannot listen on ${host}:${port}: ${fault}`));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** A host that a person can open: of all addresses the first that others reach. */
function reachable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host.includes(':') ? `[${host}]` : host;
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1';
}

function redirectTo(publicUrl: string | null, tlsPort: number): RequestListener {
  return (request, response) => {
    const host = /^[a-z0-9.-]+|^\[[0-9a-f:]+\]/i.exec(request.headers.host ?? '')?.[0];
    const base = publicUrl?.replace(/\/+$/, '') ?? (host === undefined ? null : `https://${host}:${tlsPort}`);
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const path = /^\/[^/\\]/.test(request.url ?? '') ? request.url : '/';
    if (base === null) response.writeHead(400).end();
    else response.writeHead(308, { Location: `${base}${path}` }).end();
  };
}

async function closed(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  // A connection whose last request has been answered is kept alive for another, which will not come.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
  clearInterval(sweep);
}
