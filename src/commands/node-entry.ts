/** Where init keeps a token: in config.yaml itself, in a file of its own beside it, or in the environment. */
export type TokenPlace = 'config' | 'file' | 'env';

/** What init asks for, as an entry of `nodes:` needs it. */
export interface NodeEntry {
  name: string;
  host: string;
  port: number;
  user: string;
  tokenName: string;
  tokenValue: string;
  /** SHA-256, as `fingerprint` prints it. */
  fingerprint: string;
  place: TokenPlace;
}

/** The file, relative to config.yaml's folder, in which init puts a node's token. */
export function tokenFileOf(name: string): string {
  return `data/${name.replace(/[^A-Za-z0-9._-]/g, '_')}.token`;
}

/** The variable of the environment that holds a node's token. */
export function tokenVariableOf(name: string): string {
  const word = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  return `${/^[0-9]/.test(word) ? '_' : ''}${word}_TOKEN`;
}

/** The entry as lines of YAML. */
export function entryLines(entry: NodeEntry): string[] {
  const token: Record<TokenPlace, string> = {
    config: `token_value: ${quoted(entry.tokenValue)}`,
    file: `token_file: ${quoted(tokenFileOf(entry.name))}`,
    env: `token_value: \${${tokenVariableOf(entry.name)}}`,
  };
  return [
    `  - name: ${quoted(entry.name)}`,
    `    host: ${quoted(entry.host)}`,
    `    port: ${entry.port}`,
    `    user: ${quoted(entry.user)}`,
    `    token_name: ${quoted(entry.tokenName)}`,
    `    ${token[entry.place]}`,
    `    fingerprint: ${quoted(entry.fingerprint)}`,
  ];
}

/**
 * The text of a config file with the entry as its only node: what stood below `nodes:` is replaced, every other line and comment
 * stays. A text without `nodes:` gets it at its end.
 */
export function withNode(text: string, entry: NodeEntry): string {
  const lines = text.split('\n');
  const section = ['nodes:', ...entryLines(entry)];
  const begin = lines.findIndex((line) => /^nodes\s*:/.test(line));
  if (begin === -1) return `${text.replace(/\n*$/, text.trim() === '' ? '' : '\n\n')}${section.join('\n')}\n`;
  const next = lines.findIndex((line, index) => index > begin && /^[^\s#-]/.test(line));
  let end = next === -1 ? lines.length : next;
  // Comments and blank lines above the next section belong to that.
  while (end > begin + 1 && /^(#.*|\s*)$/.test(lines[end - 1] ?? '')) end -= 1;
  return [...lines.slice(0, begin), ...section, ...lines.slice(end)].join('\n');
}

// JSON's strings are YAML's; single quotes read better where nothing needs a backslash. ${ would be a reference.
function quoted(value: string): string {
  if (/^[A-Za-z][A-Za-z0-9._@-]*$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value)) return value;
  const plain = value.replaceAll('${', '$${');
  return /['\\\p{Cc}]/u.test(plain) ? JSON.stringify(plain) : `'${plain}'`;
}
