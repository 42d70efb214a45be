import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { ConfigError } from './config-error.js';

// The parser's own messages quote the text, which may be a secret: each kind of fault has a sentence of ours.
const faults: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: 'is indented with a tab: use blanks',
  BAD_INDENT:
    'is indented unlike its neighbours or follows an open bracket: give keys of one section the same blanks, close brackets',
  DUPLICATE_KEY: 'names a key that its section already has: keep one of the two',
  MISSING_CHAR:
    'misses a sign: look for a quote, bracket or brace that is not closed, or a ":" without a blank after it',
  UNEXPECTED_TOKEN: 'holds something where a key was expected: put values with special signs in quotes',
  BAD_DQ_ESCAPE: 'has a backslash within double quotes: use single quotes, or write the backslash twice',
  BAD_SCALAR_START: 'has a value that begins with a special sign: put it in quotes',
  MULTILINE_IMPLICIT_KEY: 'has a key without ":" after it: write "key: value"',
  BLOCK_AS_IMPLICIT_KEY: 'has two ":" on one line: put the value in quotes',
  MULTIPLE_DOCS: 'begins a second document with "---": keep one in the file',
  TAG_RESOLVE_FAILED: 'has a value that begins with "!": put it in quotes',
};

/** Yields the values of a YAML text, or throws a ConfigError that names the line; `file` is how the sentence names the file. */
export function readYaml(text: string, file: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // A bracket that is not closed also makes the line after it look wrongly indented: the bracket is the cause.
  const cause = document.errors.find(({ code }) => code === 'MISSING_CHAR');
  const error = cause ?? document.errors[0] ?? document.warnings[0];
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new ConfigError(
      `${file} line ${line} ${faults[error.code] ?? 'is not valid YAML: compare it with the shipped file'}`,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new ConfigError(
      `${file} has a value that begins with "*" and refers to nothing, or to too much: put it in quotes`,
    );
  }
}
