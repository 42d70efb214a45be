import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { shapeChecker } from './check-shape.js';
import { ConfigError } from './config-error.js';
import type { Config, SecurityConfig } from './config.js';
import { databaseOf } from './database.js';
import { expand } from './expand.js';
import type { FileConfig } from './file.js';
import { faultOf, headerSecretOf, secretOf } from './files.js';
import { deepFreeze } from './freeze.js';
import { nodesOf } from './nodes.js';
import { readYaml } from './read-yaml.js';
import { checkRules, checkUrl } from './rules.js';
import { fileSchema } from './schema.js';

export { ConfigError } from './config-error.js';

const checkShape = shapeChecker<FileConfig>(fileSchema);

/** Reads a config file: the whole configuration, frozen, or one ConfigError. `env` is what `${NAME}` in the file refers to. */
export function loadConfig(file: string, env: NodeJS.ProcessEnv): Config {
  return parseConfig(readConfigFile(file), { file, env });
}

/** The configuration in a YAML text; relative paths are relative to the folder of `file`, which need not exist. */
export function parseConfig(text: string, parts: { file: string; env: NodeJS.ProcessEnv }): Config {
  const path = resolve(parts.file);
  const values = expand(readYaml(text, parts.file) ?? {}, fileSchema, parts.env);
  const file = checkShape(values);
  checkRules(file);
  return deepFreeze(configOf(file, path));
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new ConfigError(
        `${file} is not there: run "proxmox-tracker init" to write it, or name another with --config`,
      );
    }
    throw new ConfigError(`the configuration is to be in ${file}, ${faultOf(error)}`);
  }
}

function configOf(file: FileConfig, path: string): Config {
  const folder = dirname(path);
  const inFolder = (name: string | null): string | null => (name === null ? null : resolve(folder, name));
  const { server, polling, billing, retention, logging } = file;
  return {
    file: path,
    database: databaseOf(file.database, folder),
    server: {
      host: server.host,
      port: server.port,
      publicUrl: server.public_url === null ? null : server.public_url.replace(/\/+$/, ''),
      trustProxy: server.trust_proxy,
      tls: { cert: inFolder(server.tls.cert), key: inFolder(server.tls.key) },
      redirectHttpPort: server.redirect_http_port,
    },
    security: securityOf(file.security, folder),
    polling: {
      intervalSeconds: polling.interval_seconds,
      timeoutSeconds: polling.timeout_seconds,
      trackQemu: polling.track_qemu,
      trackLxc: polling.track_lxc,
      backfill: polling.backfill,
    },
    nodes: nodesOf(file.nodes, folder),
    billing: {
      timeZone: billing.time_zone,
      currency: billing.currency,
      issuer: billing.issuer,
      closeOnDay: billing.close_on_day,
    },
    retention: { pollsDays: retention.polls_days, auditDays: retention.audit_days },
    mail: mailOf(file.mail, folder),
    webhook: webhookOf(file.webhook, folder),
    logging: { ...logging, file: logging.file === '' ? '' : resolve(folder, logging.file) },
  };
}

function securityOf(security: FileConfig['security'], folder: string): SecurityConfig {
  const keyOf = (key: 'api_key' | 'admin_api_key'): string => {
    const fileKey = `${key}_file` as const;
    return headerSecretOf({ section: 'security', key, value: security[key], fileKey, file: security[fileKey] }, folder);
  };
  const [apiKey, adminApiKey] = [keyOf('api_key'), keyOf('admin_api_key')];
  if (apiKey !== '' && apiKey === adminApiKey) {
    throw new ConfigError(
      'security.admin_api_key is the same as security.api_key: give each its own, or every agent is an admin',
    );
  }
  return {
    apiKey,
    apiKeyScopes: security.api_key_scopes,
    adminApiKey,
    trustedIps: security.trusted_ips,
    secretKeyFile: resolve(folder, security.secret_key_file),
  };
}

function mailOf(mail: FileConfig['mail'], folder: string): Config['mail'] {
  const { smtp_url: value, smtp_url_file: file } = mail;
  const smtpUrl = secretOf({ section: 'mail', key: 'smtp_url', value, fileKey: 'smtp_url_file', file }, folder) || null;
  checkUrl(smtpUrl, 'mail.smtp_url', ['smtps:', 'smtp:']);
  if (smtpUrl !== null && mail.from === null)
    throw new ConfigError('mail.from is missing beside mail.smtp_url: write the sender');
  return { smtpUrl, from: mail.from };
}

function webhookOf(webhook: FileConfig['webhook'], folder: string): Config['webhook'] {
  const { secret: value, secret_file: file } = webhook;
  const secret = secretOf({ section: 'webhook', key: 'secret', value, fileKey: 'secret_file', file }, folder) || null;
  return { url: webhook.url, secret };
}
