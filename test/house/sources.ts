import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../src/package-root.js';

/** One import, export-from or import() of a source file. */
export interface Import {
  /** From the repository's root, such as src/core/span.ts. */
  from: string;
  /** The same for a file of ours; the name of a package, or node:name, for others. */
  to: string;
  isOurs: boolean;
  /** Nothing of it is left at run time. */
  isTypeOnly: boolean;
}

export interface Source {
  path: string;
  text: string;
  tree: ts.SourceFile;
}

/** Reads every TypeScript file of the folders below the repository's root. */
export function readSources(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(packageRoot, join(entry.parentPath, entry.name)))
      .sort()
      .map((path) => parseSource(path, readFileSync(join(packageRoot, path), 'utf8'))),
  );
}

/** A file's text as a tree whose nodes know their parents. */
export function parseSource(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
}

/** Every node of a file's tree, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** All that a file imports: static and dynamic, values and types. */
export function importsOf(source: Source): Import[] {
  return [...nodesOf(source.tree)].flatMap((node) => {
    const found = importAt(node);
    return found === null
      ? []
      : [{ from: source.path, ...targetOf(source.path, found.name), isTypeOnly: found.isTypeOnly }];
  });
}

/** The line on which a node begins, counted from 1. */
export function lineOf(source: Source, node: ts.Node): number {
  return source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

function importAt(node: ts.Node): { name: string; isTypeOnly: boolean } | null {
  if (ts.isImportDeclaration(node)) {
    return { name: textOf(node.moduleSpecifier), isTypeOnly: isTypeClause(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return { name: textOf(node.moduleSpecifier), isTypeOnly: node.isTypeOnly || areTypes(node.exportClause) };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { name: textOf(node.argument.literal), isTypeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { name: textOf(node.arguments[0]), isTypeOnly: false };
  }
  return null;
}

function isTypeClause(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  return clause.isTypeOnly || (clause.name === undefined && areTypes(clause.namedBindings));
}

function areTypes(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): boolean {
  if (bindings === undefined || !(ts.isNamedImports(bindings) || ts.isNamedExports(bindings))) return false;
  return bindings.elements.length > 0 && bindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

// What is not written out cannot be judged: it fails as a package that nobody knows.
function textOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : '(computed)';
}

function targetOf(from: string, name: string): Pick<Import, 'to' | 'isOurs'> {
  if (name.startsWith('.')) {
    return { to: posix.normalize(posix.join(dirname(from), name)).replace(/\.js$/, '.ts'), isOurs: true };
  }
  const [scope = '', inner] = name.split('/');
  return { to: scope.startsWith('@') && inner !== undefined ? `${scope}/${inner}` : scope, isOurs: false };
}
