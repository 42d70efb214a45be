import { Ajv, type ErrorObject } from 'ajv';
import { ConfigError, type FieldFault } from './config-error.js';
import { nearest } from './nearest.js';
import type { Schema } from './schema.js';

const ajv = new Ajv({ allErrors: true, verbose: true, useDefaults: true, allowUnionTypes: true, strict: true });
ajv.addKeyword({ keyword: 'expects', schemaType: 'string' });
ajv.addKeyword({ keyword: 'isSecret', schemaType: 'boolean' });

/**
 * A check of a file's values against a schema: it yields them with the schema's defaults filled in (in place), or throws a
 * ConfigError that names the first fault; an unknown key comes first.
 */
export function shapeChecker<T>(schema: Schema): (values: unknown) => T {
  const validate = ajv.compile<T>(schema);
  return (values) => {
    if (validate(values)) return values;
    const errors = validate.errors ?? [];
    // A misspelt key also leaves the right one missing: the misspelling is what the operator wants to hear of.
    const first = errors.find((error) => error.keyword === 'additionalProperties') ?? errors[0];
    throw new ConfigError(first === undefined ? 'the configuration is not valid' : sentenceOf(first));
  };
}

/** A checker of one entry's shape: fills in the schema's defaults in place and yields what is wrong, one fault a field. */
export function shapeFaultsOf(schema: Schema): (entry: Record<string, unknown>) => FieldFault[] {
  const judge = ajv.compile(schema);
  return (entry) => {
    if (judge(entry)) return [];
    const faults = (judge.errors ?? []).map((error) => {
      const sentence = sentenceOf(error);
      const [field = '', ...rest] = sentence.split(' ');
      return { field: field.replace(/[[.].*$/, ''), message: rest.join(' ') };
    });
    return faults.filter(({ field }, k) => faults.findIndex((other) => other.field === field) === k);
  };
}

function sentenceOf(error: ErrorObject): string {
  const schema = error.parentSchema as Schema;
  const key = keyOf(error.instancePath);
  if (error.keyword === 'additionalProperties') {
    return unknownKey(key, String(error.params['additionalProperty']), Object.keys(schema.properties ?? {}));
  }
  if (error.keyword === 'required') {
    const missing = String(error.params['missingProperty']);
    return `${join(key, missing)} is missing: write ${schema.properties?.[missing]?.expects ?? 'it'}`;
  }
  if (schema.properties !== undefined) {
    return `${key === '' ? 'the file' : key} is ${kindOf(error.data)}: write its keys below it, one a line, as "key: value"`;
  }
  return `${key} is ${shown(error.data, schema.isSecret === true)}: write ${schema.expects ?? 'another value'}`;
}

function unknownKey(section: string, name: string, known: string[]): string {
  const near = nearest(name, known);
  const mend = near === null ? `the keys there are ${known.join(', ')}` : `did you mean ${near}?`;
  return `${join(section, name)} is not a known key: ${mend}`;
}

// Ajv's pointers as people write keys: /nodes/1/host is nodes[1].host.
function keyOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((key, part) => (/^\d+$/.test(part) ? `${key}[${part}]` : join(key, part)), '');
}

function join(section: string, key: string): string {
  return section === '' ? key : `${section}.${key}`;
}

function shown(value: unknown, isSecret: boolean): string {
  if (value === '' || value === null) return 'empty';
  if (typeof value === 'object' || isSecret) return kindOf(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}..." (${String(value).length} characters)` : text;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  if (typeof value === 'number') return 'a number';
  return typeof value === 'boolean' ? 'true or false' : 'plain text';
}
