import type { X509Certificate } from 'node:crypto';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Clock } from '../clock.js';
import type { NodeTrust } from '../config/config.js';
import { ProxmoxError } from './errors.js';

/** pveproxy closes a connection that was idle for 5 s; a request on one of that age would meet its reset. */
export const MAX_IDLE_MS = 4_000;

/** Emitted on a socket whose certificate was accepted, before the first byte of a request leaves. */
export const PROVEN = 'proven';

export interface PinnedAgentParts {
  clock: Clock;
  trust: NodeTrust;
  /** Null to let the request leave, else the sentence of the refusal. */
  judge: (leaf: X509Certificate, chainFault: string | null) => string | null;
}

/**
 * Connections whose certificate is judged before a byte of the request leaves: the socket is corked until then.
 * At most two at a time, as pvedaemon has three workers for everybody.
 */
export class PinnedAgent extends https.Agent {
  handshakeCount = 0;
  readonly #parts: PinnedAgentParts;
  readonly #context: tls.SecureContext;
  readonly #idleSince = new WeakMap<Duplex, number>();
  readonly #proven = new WeakSet<Duplex>();

  constructor(parts: PinnedAgentParts) {
    // Sessions must not be resumed: a resumed handshake shows no certificate. `fifo` passes over destroyed sockets.
    super({ keepAlive: true, maxSockets: 2, maxCachedSessions: 0, timeout: MAX_IDLE_MS, scheduling: 'fifo' });
    this.#parts = parts;
    this.#context = contextOf(parts.trust);
  }

  override createConnection(options: https.RequestOptions): Duplex {
    const { trust } = this.#parts;
    const connectOptions: tls.ConnectionOptions = {
      ...(options as tls.ConnectionOptions),
      // The verdict is `prove`'s: OpenSSL's own is read there, so that every refusal has a sentence.
      rejectUnauthorized: false,
      session: undefined,
    };
    connectOptions.secureContext = this.#context;
    if (trust.kind === 'ca_file') {
      // Names are judged in trust.ts: Proxmox's leaves are for the node's name, hosts are mostly addresses.
      connectOptions.checkServerIdentity = () => undefined;
    }
    const socket = tls.connect(connectOptions);
    socket.cork();
    socket.once('secureConnect', () => this.#prove(socket));
    return socket;
  }

  #prove(socket: tls.TLSSocket): void {
    this.handshakeCount += 1;
    const leaf = socket.getPeerX509Certificate();
    const fault = leaf === undefined ? 'no certificate was presented' : this.#parts.judge(leaf, chainFaultOf(socket));
    if (fault !== null) {
      socket.destroy(new ProxmoxError('tls', fault));
      return;
    }
    this.#proven.add(socket);
    socket.emit(PROVEN);
    socket.uncork();
  }

  /** True when the socket's certificate was accepted: what is written to it leaves at once. */
  isProven(socket: Duplex): boolean {
    return this.#proven.has(socket);
  }

  override keepSocketAlive(socket: Duplex): void {
    this.#idleSince.set(socket, this.#parts.clock.monotonicMs());
    return super.keepSocketAlive(socket);
  }

  /** Closes what was idle too long to be trusted; with `maxIdleMs` 0 everything idle, so that the next request connects anew. */
  dropIdle(maxIdleMs = MAX_IDLE_MS): void {
    const now = this.#parts.clock.monotonicMs();
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        const idleMs = now - (this.#idleSince.get(socket) ?? -Infinity);
        if (idleMs >= maxIdleMs) socket.destroy();
      }
    }
  }
}

let shared: tls.SecureContext | null = null;

/** Made once and not for each connection: it holds every root that is trusted, and takes a millisecond. */
function contextOf(trust: NodeTrust): tls.SecureContext {
  // The file may hold an intermediate CA alone.
  if (trust.kind === 'ca_file') return tls.createSecureContext({ ca: trust.pem, allowPartialTrustChain: true });
  shared ??= tls.createSecureContext();
  return shared;
}

function chainFaultOf(socket: tls.TLSSocket): string | null {
  if (socket.authorized) return null;
  // Typed as Error, in truth a code or a sentence.
  const fault: unknown = socket.authorizationError;
  return fault instanceof Error ? fault.message : String(fault);
}
