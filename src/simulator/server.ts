import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { certificateRow, newAuthority, newLeaf, type Authority, type Leaf } from './certificates.js';
import { configYaml } from './config-yaml.js';
import { deliver, readRequest } from './http.js';
import { clusterKey, type Scenario, type ScenarioEvent, type ScenarioToken } from './scenario.js';
import type { TrueSession } from './truth.js';
import { compileWorld, type World } from './world.js';

export interface SimulatorOptions {
  clock: Clock;
  /** Default 127.0.0.1. */
  host?: string;
  /** One a node, in the scenario's order; free ones where left out. */
  ports?: readonly number[];
}

export interface SimulatedNode {
  cluster: string;
  name: string;
  host: string;
  port: number;
  /** SHA-256 of the certificate that it shows now. */
  fingerprint: string;
}

/** A running simulator: one HTTPS listener a node, like pveproxy, until `close()`. */
export interface Simulator {
  readonly nodes: readonly SimulatedNode[];
  /** The first token of the first cluster. */
  readonly token: ScenarioToken;
  readonly world: World;
  caPem(cluster: string): string;
  /** A ready `nodes:` section of config.yaml. */
  configYaml(): string;
  /** Lets something happen now; yields the UPID of its task. */
  act(event: ScenarioEvent): string | null;
  truth(untilAt: number): TrueSession[];
  /** Another world behind the same listeners; its node names must be the same. */
  setScenario(scenario: Scenario): void;
  /** A new certificate of the same CA, shown from the next connection on. */
  renewCertificate(node: string): Promise<void>;
  /** Connections are refused until it is started again, on the same port. */
  stopNode(node: string): Promise<void>;
  startNode(node: string): Promise<void>;
  close(): Promise<void>;
}

interface Listener {
  node: SimulatedNode;
  leaf: Leaf;
  server: Server;
  sockets: Set<Socket>;
}

/** Makes the certificates, compiles the world and listens. */
export async function startSimulator(scenario: Scenario, options: SimulatorOptions): Promise<Simulator> {
  const simulator = new RunningSimulator(scenario, options);
  await simulator.open();
  return simulator;
}

class RunningSimulator implements Simulator {
  readonly nodes: SimulatedNode[] = [];
  world: World;
  private readonly authorities = new Map<string, Authority>();
  private readonly listeners = new Map<string, Listener>();
  private serial = 2;

  constructor(
    private readonly scenario: Scenario,
    private readonly options: SimulatorOptions,
  ) {
    this.world = compileWorld(scenario, this);
  }

  async open(): Promise<void> {
    const now = this.options.clock.now();
    const host = this.options.host ?? '127.0.0.1';
    let position = 0;
    for (const cluster of this.scenario.clusters) {
      const key = clusterKey(cluster);
      const authority = await newAuthority(key, now);
      this.authorities.set(key, authority);
      for (const { name } of cluster.nodes) {
        const leaf = await newLeaf(authority, name, this.serial++, now);
        const node = {
          cluster: key,
          name,
          host,
          port: this.options.ports?.[position] ?? 0,
          fingerprint: leaf.fingerprint,
        };
        position += 1;
        this.nodes.push(node);
        this.listeners.set(name, this.newListener(node, leaf));
        await this.startNode(name);
      }
    }
  }

  get token(): ScenarioToken {
    const token = this.scenario.clusters[0]?.tokens[0];
    if (token === undefined) throw new Error('the scenario has no token');
    return token;
  }

  caPem(cluster: string): string {
    const authority = this.authorities.get(cluster);
    if (authority === undefined) throw new Error(`no cluster "${cluster}" in the simulator`);
    return authority.pem;
  }

  configYaml(): string {
    return configYaml(this.scenario, this.nodes);
  }

  act(event: ScenarioEvent): string | null {
    return this.world.act(event);
  }

  truth(untilAt: number): TrueSession[] {
    return this.world.truth(untilAt);
  }

  setScenario(scenario: Scenario): void {
    this.world = compileWorld(scenario, this);
  }

  fingerprintOf(node: string): string {
    return this.listenerOf(node).leaf.fingerprint;
  }

  certificatesOf(node: string): Record<string, unknown>[] {
    const { leaf, node: of } = this.listenerOf(node);
    return [
      certificateRow('pve-root-ca.pem', this.caPem(of.cluster), []),
      certificateRow('pve-ssl.pem', leaf.pem, leaf.sans),
    ];
  }

  async renewCertificate(node: string): Promise<void> {
    const listener = this.listenerOf(node);
    const authority = this.authorities.get(listener.node.cluster) as Authority;
    listener.leaf = await newLeaf(authority, node, this.serial++, this.options.clock.now());
    listener.node.fingerprint = listener.leaf.fingerprint;
    listener.server.setSecureContext({ cert: listener.leaf.pem, key: listener.leaf.keyPem });
  }

  async startNode(name: string): Promise<void> {
    const { server, node } = this.listenerOf(name);
    if (server.listening) return;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(node.port, node.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    node.port = (server.address() as AddressInfo).port;
  }

  async stopNode(name: string): Promise<void> {
    const { server, sockets } = this.listenerOf(name);
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.stopNode(node.name)));
  }

  private listenerOf(node: string): Listener {
    const listener = this.listeners.get(node);
    if (listener === undefined) throw new Error(`no node "${node}" in the simulator`);
    return listener;
  }

  private newListener(node: SimulatedNode, leaf: Leaf): Listener {
    const server = createServer({ cert: leaf.pem, key: leaf.keyPem }, (request, response) => {
      void this.handle(node.name, request, response);
    });
    // pveproxy closes a connection that is idle for 5 s, and each after 100 requests (proxmox-api.md 5).
    server.keepAliveTimeout = 5000;
    server.maxRequestsPerSocket = 100;
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    return { node, leaf, server, sockets };
  }

  private async handle(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await readRequest(name, request);
    if (asked === null) {
      request.destroy();
      return;
    }
    deliver(this.world.answer(asked, this.options.clock.now()), request, response);
  }
}
