import got, { type Response } from 'got';
import type { Clock } from '../clock.js';
import type { ManagerConfig } from '../config/client.js';
import type { Log } from '../log.js';
import { ProxmoxError } from '../proxmox/errors.js';
import { printable } from '../proxmox/failure.js';
import { PinnedAgent } from '../proxmox/pinned-agent.js';
import { isoOf, type Call } from './calls.js';
import { managerFault } from './manager-trust.js';
import { unansweredSentence } from './unanswered.js';

/** What became of a call. */
export type Outcome =
  | { kind: 'taken'; answer: Readonly<Record<string, unknown>> }
  /** It can never be taken: sending it again would hold up what comes after it. */
  | { kind: 'refused'; status: number; sentence: string }
  /** It is to be sent again. `retryAfterMs`: how long the manager asked to wait, null where it did not. */
  | { kind: 'held'; sentence: string; status: number | null; retryAfterMs: number | null };

export interface ManagerClient {
  /** Delivers one call, stamped with the agent's clock; never throws for what a manager or the way to it does. */
  send(call: Call): Promise<Outcome>;
  /** Waits no longer for the answer of a call under way, nor of any after it. */
  cutShort(): void;
  close(): void;
}

const MAX_RETRY_AFTER_MS = 15 * 60_000;

/** A client of one manager: nothing is sent to it, least of all the key, before its certificate is accepted. */
export function createManagerClient(config: ManagerConfig, parts: { clock: Clock; log: Log }): ManagerClient {
  const { clock, log } = parts;
  const { url, apiKey, trust } = config;
  const agent =
    trust === null
      ? null
      : new PinnedAgent({ clock, trust, judge: (leaf, fault) => managerFault(leaf, fault, { url, trust }) });
  if (trust === null)
    log.warn('manager.url is plain HTTP: anyone on the way can read the key. Use https:// where there is a way');
  if (trust?.kind === 'unverified') {
    log.warn(
      'the certificate of the manager is NOT verified (manager.verify_ssl: false): anyone on the way can read the key. Pin it by manager.fingerprint',
    );
  }
  const patience = new AbortController();
  const post = got.extend({
    method: 'POST',
    headers: { 'user-agent': 'proxmox-tracker-agent', ...(apiKey === '' ? {} : { 'x-api-key': apiKey }) },
    ...(agent === null ? {} : { agent: { https: agent } }),
    timeout: { request: config.timeoutSeconds * 1000 },
    signal: patience.signal,
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
  });
  return {
    send: async ({ name, body }) => {
      agent?.dropIdle();
      try {
        const response = await post(`${url}/api/ingest/${name}`, { json: { ...body, sent_at: isoOf(clock.now()) } });
        return outcomeOf(response, url);
      } catch (error) {
        return { kind: 'held', sentence: sentenceOf(error, config), status: null, retryAfterMs: null };
      }
    },
    cutShort: () => patience.abort(),
    close: () => agent?.destroy(),
  };
}

function sentenceOf(error: unknown, { url, timeoutSeconds }: ManagerConfig): string {
  const cause = error instanceof Error && error.cause instanceof ProxmoxError ? error.cause : error;
  return cause instanceof ProxmoxError ? cause.message : unansweredSentence(error, url, timeoutSeconds);
}

/** A manager's answer. Its own errors are JSON with `detail`; anything else came from something in between. */
function outcomeOf(response: Response<string>, url: string): Outcome {
  const { statusCode: status } = response;
  const answer = objectOf(response.body);
  if (status >= 200 && status < 300 && answer !== null && answer['success'] === true) return { kind: 'taken', answer };
  const detail = typeof answer?.['detail'] === 'string' ? printable(answer['detail']) : null;
  const said = detail === null ? '' : `: ${detail}`;
  const isHopeless = status === 413 || ((status === 400 || status === 422) && detail !== null);
  if (isHopeless) return { kind: 'refused', status, sentence: `${status}${said}${faultsOf(answer)}` };
  const retryAfterMs = retryAfterOf(response.headers['retry-after']);
  return { kind: 'held', status, sentence: heldSentence(status, said, response, url), retryAfterMs };
}

function heldSentence(status: number, said: string, { headers }: Response<string>, url: string): string {
  if (status === 401) {
    return `the manager refused the key (401${said}): put into manager.api_key what "proxmox-tracker key create NAME --scope ingest" prints on the manager, then restart the agent; what waits is kept`;
  }
  if (status === 403) {
    return `the key may not report this node (403${said}): make one with "proxmox-tracker key create NAME --scope ingest" on the manager and put it into manager.api_key, then restart the agent; what waits is kept`;
  }
  if (status === 404 || status === 405) {
    return `${url} has no /api/ingest (${status}${said}): is manager.url the manager's own address?`;
  }
  if (status >= 300 && status < 400) {
    return `${url} sends on to ${printable(headers.location ?? '') ?? 'nowhere'} (${status}): write that address as manager.url`;
  }
  if (status >= 200 && status < 300)
    return `${url} answers, but not as a manager does: is manager.url the manager's own address?`;
  return `the manager answered with ${status}${said}`;
}

/** The fields that a 422 names. */
function faultsOf(answer: Readonly<Record<string, unknown>> | null): string {
  const errors = Array.isArray(answer?.['errors']) ? (answer['errors'] as unknown[]) : [];
  const faults = errors.slice(0, 3).map((error) => {
    const { path, message } = (typeof error === 'object' && error !== null ? error : {}) as {
      path?: unknown;
      message?: unknown;
    };
    return printable(`${String(path)} ${String(message)}`) ?? '';
  });
  return faults.length === 0 ? '' : ` (${faults.join('; ')})`;
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Whole seconds alone: a manager of ours writes no dates there. */
function retryAfterOf(header: string | undefined): number | null {
  if (header === undefined || !/^\d{1,6}$/.test(header)) return null;
  return Math.min(Number(header) * 1000, MAX_RETRY_AFTER_MS);
}
