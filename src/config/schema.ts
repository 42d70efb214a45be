/**
 * The shape of config.yaml, with every default. Two words of our own stand beside JSON Schema's: `expects` ends the sentence
 * "<key> is <value>: write ...", and `isSecret` keeps the value out of that sentence.
 */
export interface Schema {
  type: string | string[];
  expects?: string;
  isSecret?: boolean;
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  additionalProperties?: false;
  default?: unknown;
  [keyword: string]: unknown;
}

export const fileSchema: Schema = section({
  database: part({
    type: oneOf(['sqlite', 'mysql'], 'sqlite'),
    file: text('the path of the database file, such as data/tracker.sqlite'),
    host: text('the name or address of the database server'),
    port: port(1),
    user: text("the database user's name"),
    password: secret(),
    password_file: text('the path of a file that holds the password'),
    database: text('the name of the database'),
    pool_size: whole(1, 200),
  }),
  server: part({
    host: { ...text('an address to listen on, such as 0.0.0.0 or 127.0.0.1'), default: '0.0.0.0' },
    port: { ...port(0), default: 8000 },
    public_url: { ...orNull(text('the address that people use, such as https://tracker.example.org, or null')) },
    trust_proxy: bool(false),
    tls: part({
      cert: orNull(text('the path of a certificate file (PEM), or null')),
      key: orNull(text('the path of its key file (PEM), or null')),
    }),
    redirect_http_port: orNull(port(1)),
  }),
  security: part({
    api_key: secret(),
    api_key_file: text('the path of a file that holds the key'),
    api_key_scopes: {
      ...list(oneOf(['ingest', 'read', 'admin']), 'a list of ingest, read and admin'),
      default: ['ingest'],
    },
    admin_api_key: secret(),
    admin_api_key_file: text('the path of a file that holds the key'),
    trusted_ips: { ...list(text('an address or a network'), 'a list of addresses and networks'), default: [] },
    secret_key_file: { ...text('the path of the file that encrypts stored secrets'), default: 'data/secret.key' },
  }),
  polling: part({
    interval_seconds: { ...whole(1, 3600), default: 30 },
    timeout_seconds: { ...whole(1, 300), default: 10 },
    track_qemu: bool(true),
    track_lxc: bool(true),
    backfill: bool(true),
  }),
  nodes: { ...list(nodeSchema(), 'a list of nodes, each beginning with "- name:", or []'), default: [] },
  billing: part({
    time_zone: { ...text('a time zone such as UTC or Europe/Vienna'), default: 'UTC' },
    currency: { ...text('three letters such as EUR'), default: 'EUR' },
    issuer: { type: 'string', maxLength: 1000, expects: 'your name and address in quotes', default: '' },
    close_on_day: orNull({ ...whole(1, 28), expects: 'a day of the month from 1 to 28, or null' }),
  }),
  retention: part({
    polls_days: { ...whole(1, 3650), default: 90 },
    audit_days: { ...whole(1, 36500), default: 730 },
  }),
  mail: part({
    smtp_url: orNull({ ...secret(), expects: 'an address such as smtps://user:password@mail.example.org, or null' }),
    smtp_url_file: text('the path of a file that holds the address'),
    from: orNull(text('the sender, such as tracker@example.org, or null')),
  }),
  webhook: part({
    url: orNull({ ...secret(), expects: 'an address that begins with https:// or http://, or null' }),
    secret: orNull(secret()),
    secret_file: text('the path of a file that holds the secret'),
  }),
  logging: part({
    level: oneOf(['error', 'warn', 'info', 'debug'], 'info'),
    format: oneOf(['text', 'json'], 'text'),
    file: { type: 'string', expects: 'the path of a log file, or ""', default: '' },
  }),
});

/** The shape of an entry of `nodes:`. */
export function nodeSchema(): Schema {
  const entry = section({
    name: text('what you call the node, such as pve-01'),
    host: text("the node's address or host name"),
    port: { ...port(1), default: 8006 },
    user: text("the token's user with its realm, such as tracker@pve"),
    token_name: text("the token's name, such as tracker"),
    token_value: secret(),
    token_file: text('the path of a file that holds the token'),
    fingerprint: orNull(text('the SHA-256 fingerprint in quotes: 64 hexadecimal digits, with or without colons')),
    ca_file: orNull(text("the path of the cluster's CA certificate (pve-root-ca.pem)")),
    verify_ssl: { type: ['boolean', 'null'], expects: 'true or false' },
    scope: oneOf(['cluster', 'node'], 'cluster'),
    journal: bool(false),
    agent_names: { ...list(text('the name of an agent'), 'a list of names'), default: [] },
  });
  return { ...entry, required: ['name', 'host', 'user', 'token_name'] };
}

export function section(properties: Record<string, Schema>): Schema {
  return { type: 'object', properties, additionalProperties: false };
}

// A section that may be left out: its keys then have their defaults.
export function part(properties: Record<string, Schema>): Schema {
  return { ...section(properties), default: {} };
}

export function text(expects: string): Schema {
  return { type: 'string', minLength: 1, maxLength: 1000, expects };
}

export function secret(): Schema {
  return { type: 'string', expects: 'it in quotes', isSecret: true };
}

export function whole(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum, expects: `a whole number from ${minimum} to ${maximum}` };
}

export function port(minimum: 0 | 1): Schema {
  return { ...whole(minimum, 65535), expects: `a port number from ${minimum} to 65535` };
}

export function bool(preset: boolean): Schema {
  return { type: 'boolean', expects: 'true or false', default: preset };
}

export function oneOf(values: string[], preset?: string): Schema {
  const words = `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
  return { type: 'string', enum: values, expects: words, ...(preset === undefined ? {} : { default: preset }) };
}

function list(items: Schema, expects: string): Schema {
  return { type: 'array', items, maxItems: 5000, expects };
}

export function orNull(schema: Schema): Schema {
  return { ...schema, type: [String(schema.type), 'null'], default: null };
}
