import { Ajv, type ErrorObject, type JSONSchemaType, type ValidateFunction } from 'ajv';
import type { Context } from 'koa';
import { parseInstant } from '../core/calendar.js';
import { jsonOf } from './body.js';
import { unprocessable, type FieldError } from './errors.js';

/** What a query value may be, and what it becomes. */
export interface QueryKinds {
  page: number;
  perPage: number;
  flag: boolean;
  instant: number;
  /** Of a node, a cluster or a customer. */
  name: string;
  /** A VMID as the wire has it; -1 for a text that is no VMID, which no guest bears. */
  vmId: number;
  id: number;
}

interface Kind<T> {
  isValid(text: string): boolean;
  sentence: string;
  parse(text: string, timeZone: string): T;
}

const FLAGS: Record<string, boolean> = { true: true, '1': true, false: false, '0': false };

const kinds: { [K in keyof QueryKinds]: Kind<QueryKinds[K]> } = {
  page: { isValid: (t) => /^[1-9]\d{0,8}$/.test(t), sentence: 'must be a whole number from 1', parse: Number },
  perPage: {
    isValid: (t) => /^\d{1,3}$/.test(t) && Number(t) >= 1 && Number(t) <= 100,
    sentence: 'must be a whole number from 1 to 100',
    parse: Number,
  },
  flag: {
    isValid: (t) => Object.hasOwn(FLAGS, t.toLowerCase()),
    sentence: 'must be true, false, 1 or 0',
    parse: (t) => FLAGS[t.toLowerCase()] === true,
  },
  instant: {
    isValid: (t) => parseInstant(t, 'UTC') !== null,
    sentence: 'must be a date like 2026-11-01 or a time like 2026-11-01T08:30:00Z',
    parse: (t, timeZone) => parseInstant(t, timeZone) ?? 0,
  },
  name: { isValid: (t) => t.length <= 255, sentence: 'must be at most 255 characters', parse: (t) => t },
  vmId: { isValid: (t) => t.length <= 64, sentence: 'must be at most 64 characters', parse: vmidOf },
  id: { isValid: (t) => /^\d{1,15}$/.test(t), sentence: 'must be a whole number', parse: Number },
};

/** The VMID that a `vm_id` means; -1 for a text that is none, which no guest bears. */
export function vmidOf(text: string): number {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : -1;
}

const ajv = new Ajv({ allErrors: true });
for (const [name, kind] of Object.entries(kinds)) ajv.addFormat(name, { type: 'string', validate: kind.isValid });

export type QueryOf<F extends Record<string, keyof QueryKinds>> = { [K in keyof F]?: QueryKinds[F[K]] };

/**
 * A reader of a call's query: every value that is given is checked, none is clamped; an empty one and `null` are none.
 * Throws 422. Values that the call does not know are left alone.
 */
export function queryReader<F extends Record<string, keyof QueryKinds>>(
  fields: F,
): (ctx: Context, timeZone: string) => QueryOf<F> {
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, kind]) => [name, { type: 'string', format: kind }]),
  );
  const validate = ajv.compile({ type: 'object', properties });
  return (ctx, timeZone) => {
    const given = Object.entries(ctx.query).filter(([name, value]) => Object.hasOwn(fields, name) && !isNone(value));
    if (!validate(Object.fromEntries(given))) throw unprocessable(queryErrors(validate.errors ?? [], fields));
    return Object.fromEntries(
      given.map(([name, text]) => [name, kinds[fields[name] ?? 'name'].parse(String(text), timeZone)]),
    ) as QueryOf<F>;
  };
}

function isNone(value: string | string[] | undefined): boolean {
  return typeof value !== 'object' && (value === undefined || value.trim() === '' || value === 'null');
}

function queryErrors(errors: readonly ErrorObject[], fields: Record<string, keyof QueryKinds>): FieldError[] {
  return errors.map((error) => ({
    path: error.instancePath,
    message:
      error.keyword === 'type' ? 'is given twice' : kinds[fields[error.instancePath.slice(1)] ?? 'name'].sentence,
  }));
}

/** What a body may be. */
export type BodySchema<T> = JSONSchemaType<T>;

/** A reader of a call's body: values that are null or empty are none; throws 422 for a wrong shape or no object. */
export function bodyReader<T>(schema: BodySchema<T>): (ctx: Context) => T {
  const validate: ValidateFunction<T> = ajv.compile(schema);
  return (ctx) => {
    const body = withoutNone(jsonOf(ctx) ?? {});
    if (validate(body)) return body;
    throw unprocessable(
      (validate.errors ?? []).map((error) => ({
        path: error.instancePath === '' ? missingPath(error) : error.instancePath,
        message: error.keyword === 'required' ? 'is missing' : (error.message ?? 'does not fit'),
      })),
    );
  };
}

function missingPath(error: ErrorObject): string {
  const missing: unknown = error.params['missingProperty'];
  return typeof missing === 'string' ? `/${missing}` : '';
}

function withoutNone(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== ''));
}
