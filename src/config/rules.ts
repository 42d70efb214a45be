import { isIP } from 'node:net';
import { ConfigError } from './config-error.js';
import type { FileConfig } from './file.js';

// What node-cron can say evenly: whole seconds that divide a minute, whole minutes that divide an hour.
const evenSeconds = [
  1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800, 3600,
];

/** Throws a ConfigError for a value that has the right shape but cannot work: what the schema cannot say. Nodes and database have their own checks. */
export function checkRules(file: FileConfig): void {
  checkServer(file.server);
  file.security.trusted_ips.forEach((address, index) => checkAddress(address, `security.trusted_ips[${index}]`));
  checkInterval(file.polling.interval_seconds);
  if (!file.polling.track_qemu && !file.polling.track_lxc) {
    throw new ConfigError('polling tracks nothing: set track_qemu or track_lxc to true');
  }
  checkBilling(file.billing);
  checkUrl(file.webhook.url, 'webhook.url', ['https:', 'http:']);
}

/** Throws a ConfigError unless the address is absent or one of the schemes; the address itself, which may hold a password, is never shown. */
export function checkUrl(address: string | null, key: string, schemes: string[]): void {
  if (address === null) return;
  if (URL.canParse(address) && schemes.includes(new URL(address).protocol)) return;
  throw new ConfigError(
    `${key} is not an address: begin it with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
  );
}

function checkServer(server: FileConfig['server']): void {
  const { cert, key } = server.tls;
  if ((cert === null) !== (key === null)) {
    const [missing, present] = cert === null ? ['cert', 'key'] : ['key', 'cert'];
    throw new ConfigError(`server.tls.${missing} is missing beside server.tls.${present}: set both, or neither`);
  }
  if (server.redirect_http_port !== null && cert === null) {
    throw new ConfigError('server.redirect_http_port needs server.tls: set tls.cert and tls.key, or take it out');
  }
  if (server.redirect_http_port !== null && server.redirect_http_port === server.port) {
    throw new ConfigError(
      `server.redirect_http_port is ${server.port}, as is server.port: give it another, such as 80`,
    );
  }
  checkUrl(server.public_url, 'server.public_url', ['https:', 'http:']);
}

function checkAddress(written: string, key: string): void {
  const [address = '', prefix, ...rest] = written.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  if (isIP(address) !== 0 && fits && rest.length === 0) return;
  throw new ConfigError(
    `${key} is ${JSON.stringify(written)}: write an address or a network, such as 10.0.0.5 or 10.0.0.0/8`,
  );
}

function checkInterval(seconds: number): void {
  if (evenSeconds.includes(seconds)) return;
  const near = evenSeconds.reduce((best, each) => (Math.abs(each - seconds) < Math.abs(best - seconds) ? each : best));
  throw new ConfigError(
    `polling.interval_seconds is ${seconds}: write a divisor of 60, or whole minutes that divide an hour; the nearest is ${near}`,
  );
}

function checkBilling(billing: FileConfig['billing']): void {
  const { time_zone: zone, currency } = billing;
  // An offset knows no summer time; newer releases of Node take it for a zone, older ones do not.
  if (/^[+-]/.test(zone)) {
    throw new ConfigError(
      `billing.time_zone is ${JSON.stringify(zone)}: write a zone's name, such as Europe/Vienna, so that summer time is known`,
    );
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw new ConfigError(
      `billing.time_zone is ${JSON.stringify(zone)}: write a time zone such as UTC or Europe/Vienna`,
    );
  }
  if (!Intl.supportedValuesOf('currency').includes(currency)) {
    const upper = currency.toUpperCase();
    const mend = Intl.supportedValuesOf('currency').includes(upper) ? upper : 'three letters of ISO 4217, such as EUR';
    throw new ConfigError(`billing.currency is ${JSON.stringify(currency)}: write ${mend}`);
  }
}
