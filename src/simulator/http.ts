import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { SimulatedAnswer, SimulatedRequest } from './answer.js';

/** pveproxy refuses a longer POST. */
const maxBodyBytes = 512 * 1024;

/** A request in the world's terms, the form's fields joined to the query; null when it broke off or is too long. */
export async function readRequest(entryNode: string, request: IncomingMessage): Promise<SimulatedRequest | null> {
  const url = new URL(request.url ?? '/', 'https://node');
  const query: Record<string, string> = Object.fromEntries(url.searchParams);
  if (request.method !== 'GET') {
    const body = await readBody(request);
    if (body === null) return null;
    Object.assign(query, fieldsOf(body, request.headers['content-type'] ?? ''));
  }
  const { authorization } = request.headers;
  return { method: request.method ?? 'GET', path: url.pathname, query, authorization, entryNode };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      const part = chunk as Buffer;
      bytes += part.length;
      if (bytes > maxBodyBytes) return null;
      chunks.push(part);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fieldsOf(body: string, contentType: string): Record<string, string> {
  if (!contentType.includes('json')) return Object.fromEntries(new URLSearchParams(body));
  try {
    const parsed: unknown = JSON.parse(body === '' ? '{}' : body);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}

/** Sends an answer, or plays its fault: nothing, a cut or senseless body, a destroyed connection. */
export function deliver(answer: SimulatedAnswer, request: IncomingMessage, response: ServerResponse): void {
  if (answer.delayMs > 0) {
    const timer = setTimeout(() => send(answer, request, response), answer.delayMs);
    request.socket.once('close', () => clearTimeout(timer));
    return;
  }
  send(answer, request, response);
}

function send(answer: SimulatedAnswer, request: IncomingMessage, response: ServerResponse): void {
  if ('fault' in answer) {
    playFault(answer, request, response);
    return;
  }
  const { status, statusText, headers, body } = answer;
  let bytes: Buffer = Buffer.from(JSON.stringify(body), 'utf8');
  const sent: Record<string, string | number> = { ...headers, 'cache-control': 'max-age=0' };
  if (bytes.length > 1024 && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    bytes = gzipSync(bytes, { level: 1 });
    sent['content-encoding'] = 'gzip';
  }
  sent['content-length'] = bytes.length;
  // Any status from 400 on closes the connection (proxmox-api.md 5).
  if (status >= 400) sent['connection'] = 'close';
  response.writeHead(status, statusText.replace(/[\r\n]/g, ' '), sent);
  response.end(bytes);
}

function playFault(
  answer: Extract<SimulatedAnswer, { fault: unknown }>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  switch (answer.fault) {
    case 'hang':
      return;
    case 'refused':
      request.socket.destroy();
      return;
    case 'cut':
      response.writeHead(200, {
        'content-type': 'application/json;charset=UTF-8',
        'content-length': answer.text.length + 40,
      });
      response.write(answer.text, () => request.socket.destroy());
      return;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' });
      response.end(answer.text);
  }
}
