import type { Context } from 'koa';
import { ConflictError } from '../../../../core/management.js';
import { EntryError, type EntryFault, type EntryFields, type EntryView } from '../../../../core/node-entries.js';
import { formOf } from '../../../body.js';
import { notFound } from '../../../errors.js';
import { speakerOf } from '../../../management.js';
import type { WebParts } from '../../../parts.js';
import { entryForm, entryRow, fieldsOfEntry, lossesOf } from '../../../present/pages-entries.js';
import { leadBack, showSettings } from './frame.js';

const PAGE = '/settings/nodes';
const TOKEN = 'Secret of the token';
const KEPT_TOKEN = 'Secret of the token; empty keeps the stored one while address and port stay';
const EMPTY: EntryFields = { user: 'tracker@pve', token_name: 'tracker' };

/** GET /settings/nodes: the entries of `nodes:`, of the configuration and of the database. */
export async function entriesPage(ctx: Context, parts: WebParts): Promise<void> {
  await show(ctx, parts, {});
}

/** POST /settings/nodes: adds what was pasted in `entry`, or the fields of the form. */
export async function addEntry(ctx: Context, parts: WebParts): Promise<void> {
  const pasted = formOf(ctx).get('entry');
  let fields: EntryFields | null = null;
  try {
    fields = pasted === null ? typedFields(ctx) : parts.entries.read(pasted);
    const { name, isNew, error } = await parts.entries.add(fields, speakerOf(ctx));
    const done = `"${name}" ${isNew ? 'is added' : 'has its new token'}`;
    const told = error === null ? `${done}, and is polled now.` : `${done}, but it does not answer: ${error}`;
    await leadBack(ctx, PAGE, Promise.resolve(told), error === null ? 'good' : 'warn');
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    ctx.status = 422;
    // What could be read of a pasted entry is mended in the form.
    if (fields === null) await show(ctx, parts, { pasted: withoutToken(pasted ?? ''), pasteFaults: error.faults });
    else await show(ctx, parts, { fields, faults: error.faults });
  }
}

/** POST /settings/nodes/test: asks the server of entry `name` all that a poll asks, and shows what it found. */
export async function testEntry(ctx: Context, parts: WebParts): Promise<void> {
  const { name } = await entryNamed(parts, formOf(ctx).get('name'));
  try {
    const { ok, sentence, lines } = await parts.entries.test(name);
    await show(ctx, parts, { test: { name, ok, sentence, lines: [...lines] } });
  } catch (error) {
    // Taken away in the meantime.
    if (!(error instanceof ConflictError)) throw error;
    await leadBack(ctx, PAGE, Promise.reject(error));
  }
}

/** GET /settings/nodes/edit?name=. */
export async function editPage(ctx: Context, parts: WebParts): Promise<void> {
  const { name, fields } = await storedEntry(ctx, parts);
  await showEdit(ctx, parts, name, fields, []);
}

/** POST /settings/nodes/edit: replaces the fields of entry `name`; an empty token keeps the stored one. */
export async function changeEntry(ctx: Context, parts: WebParts): Promise<void> {
  const { name } = await storedEntry(ctx, parts);
  const fields = typedFields(ctx);
  const work = parts.entries.edit(name, fields, speakerOf(ctx)).then(() => `"${name}" is changed.`);
  try {
    await leadBack(ctx, PAGE, work);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    ctx.status = 422;
    await showEdit(ctx, parts, name, fields, error.faults);
  }
}

/** GET /settings/nodes/remove?name=: says what would be lost. */
export async function removalPage(ctx: Context, parts: WebParts): Promise<void> {
  const { name, entry } = await storedEntry(ctx, parts);
  await showSettings(
    ctx,
    parts,
    'entries',
    { name, losses: lossesOf(entry), only: entry.onlyNodes.join(', ') },
    'entry-removal',
  );
}

/** POST /settings/nodes/remove: takes entry `name` away, with `purge` also the history of the nodes that only it led to. */
export async function removeEntry(ctx: Context, parts: WebParts): Promise<void> {
  const { name } = await storedEntry(ctx, parts);
  const isPurged = formOf(ctx).get('purge') !== null;
  const work = parts.entries.remove(name, speakerOf(ctx), { isPurged }).then(({ nodes, sessionCount }) => {
    const ended = nodes.length === 0 ? 'No node is lost to it.' : `Tracked no more: ${nodes.join(', ')}.`;
    return `The entry "${name}" is gone. ${ended}${isPurged ? ` Sessions deleted: ${sessionCount}.` : ''}`;
  });
  await leadBack(ctx, PAGE, work);
}

async function entryNamed(parts: WebParts, name: string | null): Promise<EntryView> {
  const entry = (await parts.entries.list()).find((one) => one.name === name);
  if (entry === undefined) throw notFound('There is no entry of that name.');
  return entry;
}

/** The entry of the database that the address or the form names. */
async function storedEntry(
  ctx: Context,
  parts: WebParts,
): Promise<{ name: string; entry: EntryView; fields: EntryFields }> {
  const given = ctx.method === 'POST' ? formOf(ctx).get('name') : new URLSearchParams(ctx.querystring).get('name');
  const entry = await entryNamed(parts, given);
  if (entry.origin === 'config') throw notFound('That node is named in config.yaml: change it there, and restart.');
  return { name: entry.name, entry, fields: fieldsOfEntry(entry) };
}

/** What the form of fields sent, as the fields of an entry. */
function typedFields(ctx: Context): EntryFields {
  const form = formOf(ctx);
  const field = (name: string): string => (form.get(name) ?? '').trim().slice(0, 20_001);
  const port = field('port');
  const trust = field('trust');
  const by = (way: string, value: string | boolean): string | boolean | null => (trust === way ? value : null);
  return {
    ...{ name: field('name'), host: field('host'), port: /^\d{1,5}$/.test(port) ? Number(port) : port },
    ...{ user: field('user'), token_name: field('token_name'), token_value: field('token_value') },
    fingerprint: by('fingerprint', field('fingerprint')),
    ca_pem: by('ca_pem', field('ca_pem').replaceAll('\r\n', '\n')),
    verify_ssl: by('public_ca', true) ?? by('unverified', false),
    scope: form.get('node_only') === null ? 'cluster' : 'node',
    journal: form.get('journal') !== null,
    agent_names: field('agent_names')
      .split(/[,\n]/)
      .map((each) => each.trim())
      .filter((each) => each !== ''),
  };
}

/**
 * No page holds a token, not even for the one who pasted it. Where a text that cannot be read has its token nobody can tell, it
 * may be on the lines below its key: of the line with the key and of all after it nothing is shown.
 */
function withoutToken(pasted: string): string {
  const shown = pasted.slice(0, 20_000).split(/\r\n|[\r\n\u0085\u2028\u2029]/);
  const end = shown.findIndex((line) => /token_?value/i.test(line));
  return (end === -1 ? shown : shown.slice(0, end)).join('\n');
}

interface Outcome {
  pasted?: string;
  pasteFaults?: readonly EntryFault[];
  fields?: EntryFields;
  faults?: readonly EntryFault[];
  test?: { name: string; ok: boolean; sentence: string; lines: string[] };
}

async function show(ctx: Context, parts: WebParts, outcome: Outcome): Promise<void> {
  const entries = await parts.entries.list();
  await showSettings(ctx, parts, 'entries', {
    entries: entries.map(entryRow),
    test: outcome.test ?? null,
    pasted: outcome.pasted ?? '',
    pasteFault: (outcome.pasteFaults ?? []).map(({ field, message }) => `The ${field} ${message}.`).join(' '),
    isTyped: outcome.fields !== undefined,
    form: entryForm(outcome.fields ?? EMPTY, outcome.faults ?? [], TOKEN),
  });
}

async function showEdit(
  ctx: Context,
  parts: WebParts,
  name: string,
  fields: EntryFields,
  faults: readonly EntryFault[],
): Promise<void> {
  const form = entryForm({ ...fields, name }, faults, KEPT_TOKEN);
  await showSettings(ctx, parts, 'entries', { entryName: name, form }, 'entry-edit');
}
