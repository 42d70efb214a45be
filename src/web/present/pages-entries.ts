import type { EntryFault, EntryFields, EntryState, EntryView } from '../../core/node-entries.js';
import type { StateFigure } from './pages-guests.js';

export interface EntryRow {
  name: string;
  address: string;
  about: string;
  state: StateFigure;
  origin: string;
  tracked: string;
  /** What is missing or wrong, as a sentence; empty for nothing. */
  problem: string;
  tone: 'fault' | 'notseen';
  /** Null for an entry of the configuration, which is changed there. */
  links: { edit: string; remove: string } | null;
}

const states: Record<EntryState, StateFigure> = {
  waiting: { mark: 'not_seen', word: 'not asked yet' },
  online: { mark: 'online', word: 'answers' },
  partial: { mark: 'partial', word: 'lacks a privilege' },
  failing: { mark: 'unreachable', word: 'does not answer' },
  unused: { mark: 'fault', word: 'not used' },
};

/** A row of the page that lists the entries of `nodes:`. */
export function entryRow(entry: EntryView): EntryRow {
  const of = (page: string): string => `/settings/nodes/${page}?name=${encodeURIComponent(entry.name)}`;
  return {
    name: entry.name,
    address: addressOf(entry),
    about: `${entry.user}!${entry.tokenName}`,
    state: states[entry.state],
    origin: entry.origin === 'config' ? 'config.yaml' : 'database',
    tracked: entry.nodes.join(', '),
    problem: entry.problem === null ? '' : sentence(entry.problem),
    tone: entry.state === 'partial' ? 'notseen' : 'fault',
    links: entry.origin === 'config' ? null : { edit: of('edit'), remove: of('remove') },
  };
}

/** What the removal of an entry takes away, a sentence each. */
export function lossesOf(entry: EntryView): string[] {
  const { onlyNodes, nodes } = entry;
  const others = nodes.filter((name) => !onlyNodes.includes(name));
  const be = (names: readonly string[]): string => (names.length === 1 ? 'is' : 'are');
  return [
    onlyNodes.length === 0
      ? 'No node is lost to it.'
      : `${onlyNodes.join(', ')} ${be(onlyNodes)} tracked no more, and what runs there counts as ended now.`,
    ...(others.length === 0 ? [] : [`${others.join(', ')} ${be(others)} reached by another entry, and tracked on.`]),
    `The stored token of ${entry.user}!${entry.tokenName} is forgotten here. On the cluster it lives on until relay.sh --remove.`,
  ];
}

/** A field of the form of an entry, with what is wrong with it; empty for nothing. */
export interface EntryField {
  name: string;
  label: string;
  value: string;
  fault: string;
}

export interface EntryForm {
  /** What is wrong with no field of the form, a sentence each. */
  faults: string[];
  name: EntryField;
  texts: EntryField[];
  /** Its value is never shown. */
  token: EntryField;
  trusts: { value: string; label: string; isChosen: boolean }[];
  trust: EntryField;
  fingerprint: EntryField;
  pem: EntryField;
  isNodeOnly: boolean;
  hasJournal: boolean;
  agents: EntryField;
}

const trusts = [
  { value: 'fingerprint', label: 'the fingerprint below' },
  { value: 'ca_pem', label: 'the CA of the cluster, below' },
  { value: 'public_ca', label: 'a public CA' },
  { value: 'unverified', label: 'nothing: whoever answers gets the token' },
];

/** The form with what was typed and what is wrong with it; the token's field is always empty. */
export function entryForm(fields: EntryFields, faults: readonly EntryFault[], tokenLabel: string): EntryForm {
  const of = (name: string, label: string): EntryField => {
    const said = faults.filter(({ field }) => field === name).map(({ message }) => sentence(`${name} ${message}`));
    return { name, label, value: textOf(fields[name]), fault: said.join(' ') };
  };
  const form = {
    name: of('name', 'Name: what you call the node'),
    texts: [
      of('host', 'Address or host name'),
      of('port', 'Port; empty for 8006'),
      of('user', 'User of the token, with its realm'),
      of('token_name', 'Name of the token'),
    ],
    token: { ...of('token_value', tokenLabel), value: '' },
    trust: of('verify_ssl', 'Its certificate is trusted by'),
    fingerprint: of('fingerprint', 'SHA-256 fingerprint; “proxmox-tracker fingerprint HOST” prints it'),
    pem: of('ca_pem', 'CA certificate: the text of /etc/pve/pve-root-ca.pem'),
    agents: of('agent_names', 'Other names by which agents report this node, with commas between'),
  };
  const shown = [form.name, ...form.texts, form.token, form.trust, form.fingerprint, form.pem, form.agents];
  const elsewhere = faults.filter(({ field }) => !shown.some(({ name }) => name === field));
  const chosen = trustOf(fields);
  return {
    ...form,
    faults: elsewhere.map(({ field, message }) => sentence(`${field} ${message}`)),
    trusts: trusts.map((each) => ({ ...each, isChosen: each.value === chosen })),
    isNodeOnly: fields['scope'] === 'node',
    hasJournal: fields['journal'] === true,
  };
}

/** The fields of an entry as its form begins with them: all but the token. */
export function fieldsOfEntry(entry: EntryView): EntryFields {
  const { name, host, port, user, tokenName, trust, scope, journal, agentNames } = entry;
  const isVerified = trust.kind === 'public_ca' ? true : trust.kind === 'unverified' ? false : null;
  return {
    ...{ name, host, port, user, token_name: tokenName, scope, journal, agent_names: agentNames },
    ...{ fingerprint: trust.sha256 ?? null, ca_pem: trust.pem ?? null, verify_ssl: isVerified },
  };
}

function addressOf({ host, port }: EntryView): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function trustOf({ ca_pem: pem, verify_ssl: isVerified }: EntryFields): string {
  if (typeof isVerified === 'boolean') return isVerified ? 'public_ca' : 'unverified';
  return typeof pem === 'string' && pem !== '' ? 'ca_pem' : 'fingerprint';
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** With a capital and a full stop, as people write; a field's name stays as it is written in the configuration. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
