import type { LogOptions } from '../log.js';

/** The whole configuration, frozen, every default filled in, every path absolute, every secret resolved. docs/config.md lists the keys. */
export interface Config {
  /** Absolute path of the config file that this came from. */
  file: string;
  database: DatabaseConfig;
  server: ServerConfig;
  security: SecurityConfig;
  polling: PollingConfig;
  nodes: NodeConfig[];
  billing: { timeZone: string; currency: string; issuer: string; closeOnDay: number | null };
  retention: { pollsDays: number; auditDays: number };
  mail: { smtpUrl: string | null; from: string | null };
  webhook: { url: string | null; secret: string | null };
  logging: LogOptions;
}

export type DatabaseConfig =
  | { type: 'sqlite'; file: string }
  | { type: 'mysql'; host: string; port: number; user: string; password: string; database: string; poolSize: number };

export interface ServerConfig {
  host: string;
  port: number;
  publicUrl: string | null;
  trustProxy: boolean;
  tls: { cert: string | null; key: string | null };
  redirectHttpPort: number | null;
}

export interface SecurityConfig {
  /** Empty: no such key. */
  apiKey: string;
  apiKeyScopes: ('ingest' | 'read' | 'admin')[];
  /** Empty: no such key. */
  adminApiKey: string;
  trustedIps: string[];
  secretKeyFile: string;
}

export interface PollingConfig {
  intervalSeconds: number;
  timeoutSeconds: number;
  trackQemu: boolean;
  trackLxc: boolean;
  backfill: boolean;
}

export interface NodeConfig {
  name: string;
  host: string;
  port: number;
  user: string;
  tokenName: string;
  tokenValue: string;
  /** How the server is trusted before the token is sent. */
  trust: NodeTrust;
  scope: 'cluster' | 'node';
  journal: boolean;
  agentNames: string[];
}

export type NodeTrust =
  | { kind: 'fingerprint'; sha256: string }
  | { kind: 'ca_file'; file: string; pem: string }
  | { kind: 'public_ca' }
  | { kind: 'unverified' };
