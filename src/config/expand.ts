import { ConfigError } from './config-error.js';
import type { Schema } from './schema.js';

type Env = Record<string, string | undefined>;

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Yields the file's values with `${NAME}` and `${NAME:-default}` replaced from the environment and `$${` by a plain `${`. A
 * reference where the schema wants a number or a boolean becomes one; a section or list that is left empty in the file is empty.
 * Throws a ConfigError for a variable that is not set. Unknown keys are left as they are: the schema names them.
 */
export function expand(value: unknown, schema: Schema, env: Env, key = '', owner = ''): unknown {
  if (value === null) return emptyOf(schema);
  if (typeof value === 'string') return fill(value, schema, env, key, owner);
  const { items, properties } = schema;
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item, index) => expand(item, items, env, `${key}[${index}]`));
  }
  if (typeof value !== 'object' || properties === undefined) return value;
  const name = 'name' in value && typeof value.name === 'string' ? value.name : '';
  return Object.fromEntries(
    Object.entries(value).map(([inner, held]: [string, unknown]) => {
      const known = Object.hasOwn(properties, inner) ? properties[inner] : undefined;
      const path = key === '' ? inner : `${key}.${inner}`;
      return [inner, known === undefined ? held : expand(held, known, env, path, name)];
    }),
  );
}

/** What to put into `key`: the words of the sentence for a secret that is empty. `owner` is the name of the node it belongs to. */
export function mendOfEmpty(key: string, owner: string): string {
  return key.endsWith('.token_value') && owner !== '' ? `put the API token of "${owner}" there` : 'put the value there';
}

function emptyOf(schema: Schema): unknown {
  if (schema.properties !== undefined) return {};
  return schema.type === 'array' ? [] : null;
}

function fill(text: string, schema: Schema, env: Env, key: string, owner: string): unknown {
  let isWhole = true;
  const filled = text.replace(reference, (match, name: string | undefined, preset: string | undefined) => {
    if (match === '$${') return '${';
    if (name === undefined) {
      throw new ConfigError(
        `${key} holds "\${" but names no variable: write \${NAME} or \${NAME:-default}, or $\${ for a plain "\${"`,
      );
    }
    isWhole = isWhole && match === text;
    // As in a shell: an empty variable takes the default too.
    const found = env[name];
    if (found !== undefined && found !== '') return found;
    if (preset !== undefined) return preset;
    throw new ConfigError(`${key} is empty: ${mendOfEmpty(key, owner)}, or set ${name}`);
  });
  return filled !== text && isWhole ? typed(filled, schema) : filled;
}

// The environment holds only text; a number or a boolean is recognised where the schema asks for one.
function typed(filled: string, schema: Schema): unknown {
  const types = [schema.type].flat();
  if (types.includes('integer') && /^-?\d{1,15}$/.test(filled)) return Number(filled);
  if (types.includes('boolean') && /^(true|false)$/.test(filled)) return filled === 'true';
  if (types.includes('null') && filled === '') return null;
  return filled;
}
