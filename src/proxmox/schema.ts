import { Ajv, type ErrorObject, type SchemaObject } from 'ajv';
import { ProxmoxError } from './errors.js';

// Perl writes a number as a string when it was last used as one, and flags as 0, 1, "0", "1" or "".
export type RawNumber = number | string | null | undefined;
export type RawText = string | number | null | undefined;
export type RawFlag = boolean | number | string | null | undefined;

/** A whole number that must be there. */
export const WHOLE = { type: ['integer', 'string'], minimum: 0, pattern: '^[0-9]{1,16}$' };
/** A number that may be absent, null or empty. */
export const AMOUNT = { type: ['number', 'string', 'null'], minimum: 0, pattern: '^([0-9]{1,20}([.][0-9]+)?)?$' };
export const TEXT = { type: ['string', 'number', 'null'] };
export const FLAG = { type: ['boolean', 'integer', 'string', 'null'] };
export const NAME = { type: 'string', minLength: 1 };

/** Rows of which the named fields are essential; unknown fields pass (they come with every version). */
export function rowsOf(properties: Record<string, SchemaObject>, required: string[]): SchemaObject {
  return { type: 'array', items: { type: 'object', properties, required } };
}

const ajv = new Ajv({ allowUnionTypes: true, strictTypes: false });

/**
 * A check of an answer's data: yields it typed, or throws `bad_answer` naming request, row and field. One bad row fails the
 * whole answer, for a list that is right in part could end a guest.
 */
export function reader<T>(schema: SchemaObject): (data: unknown, request: string) => T {
  const isValid = ajv.compile<T>(schema);
  return (data, request) => {
    if (isValid(data)) return data;
    throw badAnswer(request, faultOf(isValid.errors?.[0]));
  };
}

/** A `bad_answer` for a request whose data cannot be read. */
export function badAnswer(request: string, fault: string): ProxmoxError {
  return new ProxmoxError(
    'bad_answer',
    `the answer to ${request} cannot be read: ${fault}. Is this a supported Proxmox VE (7.4 or later)?`,
  );
}

function faultOf(error: ErrorObject | undefined): string {
  if (error === undefined) return 'it has another form than expected';
  const [, row, ...fields] = error.instancePath.split('/');
  const place = row === undefined || row === '' ? 'the whole' : [`row ${row}`, ...fields].join(', field ');
  return `${place} ${error.message ?? 'has another form than expected'}`;
}

export function numberOf(raw: RawNumber): number | null {
  return raw === undefined || raw === null || raw === '' ? null : Number(raw);
}

/** As `numberOf`, floored. */
export function wholeOf(raw: RawNumber): number | null {
  const value = numberOf(raw);
  return value === null ? null : Math.floor(value);
}

/** Null for what is absent or empty. */
export function textOf(raw: RawText): string | null {
  return raw === undefined || raw === null || raw === '' ? null : String(raw);
}

export function flagOf(raw: RawFlag): boolean {
  return raw === true || raw === 1 || raw === '1' || raw === 'true';
}
