/** config.yaml as it is written: keys in snake_case, after the schema has filled in the defaults. */
export interface FileConfig {
  database: FileDatabase;
  server: {
    host: string;
    port: number;
    public_url: string | null;
    trust_proxy: boolean;
    tls: { cert: string | null; key: string | null };
    redirect_http_port: number | null;
  };
  security: {
    api_key?: string;
    api_key_file?: string;
    api_key_scopes: ('ingest' | 'read' | 'admin')[];
    admin_api_key?: string;
    admin_api_key_file?: string;
    trusted_ips: string[];
    secret_key_file: string;
  };
  polling: {
    interval_seconds: number;
    timeout_seconds: number;
    track_qemu: boolean;
    track_lxc: boolean;
    backfill: boolean;
  };
  nodes: FileNode[];
  billing: { time_zone: string; currency: string; issuer: string; close_on_day: number | null };
  retention: { polls_days: number; audit_days: number };
  mail: { smtp_url?: string | null; smtp_url_file?: string; from: string | null };
  webhook: { url: string | null; secret?: string | null; secret_file?: string };
  logging: { level: 'error' | 'warn' | 'info' | 'debug'; format: 'text' | 'json'; file: string };
}

/** Which keys belong to which `type` is judged in database.ts. */
export interface FileDatabase {
  type: 'sqlite' | 'mysql';
  file?: string;
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  password_file?: string;
  database?: string;
  pool_size?: number;
}

/** One entry of `nodes:`. */
export interface FileNode {
  name: string;
  host: string;
  port: number;
  user: string;
  token_name: string;
  token_value?: string;
  token_file?: string;
  fingerprint?: string | null;
  ca_file?: string | null;
  verify_ssl?: boolean | null;
  scope: 'cluster' | 'node';
  journal: boolean;
  agent_names: string[];
}
