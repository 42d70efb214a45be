import { expect } from 'chai';
import ts from 'typescript';
import { faultOf } from './arrows.js';
import { importsOf, lineOf, nodesOf, parseSource, readSources, type Source } from './sources.js';

const sources = readSources('src', 'migrations');

describe('the dependency rule', () => {
  it('holds for every import line', () => {
    const faults = sources.flatMap(importsOf).map(faultOf);
    expect(faults.filter((fault) => fault !== null)).to.deep.equal([]);
  });

  const forbidden: [path: string, line: string][] = [
    ['src/core/span.ts', "import { x } from '../ledger/rows.js';"],
    ['src/core/span.ts', "import type { Clock } from '../clock.js';"],
    ['src/core/span.ts', "import { readFileSync } from 'node:fs';"],
    ['src/core/span.ts', "import { DateTime } from 'luxon';"],
    ['src/ledger/rows.ts', "import { x } from '../web/server.js';"],
    ['src/ledger/rows.ts', "export { x } from '../collect/collect.js';"],
    ['src/web/render.ts', "const x = await import('../proxmox/client.js');"],
    ['src/web/render.ts', "import type { Collector } from '../collect/collect.js';"],
    ['src/web/render.ts', "type X = import('../simulator/world.js').World;"],
    ['src/web/render.ts', "import knex from 'knex';"],
    ['src/web/routes/api/vms.ts', "import { Ajv } from 'ajv';"],
    ['src/web/render.ts', "import { systemClock } from '../clock.js';"],
    ['src/web/render.ts', "import { createApp } from '../app.js';"],
    ['src/simulator/world.ts', "import { parseUpid } from '../proxmox/upid.js';"],
    ['src/simulator/world.ts', "import { intersect } from '../core/window.js';"],
    ['src/web/render.ts', "import { newKeys } from '../certificates/key-pair.js';"],
    ['src/proxmox/client.ts', "import { DatabaseSync } from 'node:sqlite';"],
    ['src/proxmox/client.ts', "import leftPad from 'left-pad';"],
    ['src/proxmox/client.ts', 'const x = await import(name);'],
    ['src/config/load.ts', "import { span } from '../core/span.js';"],
    ['src/clock.ts', "import { load } from './config/load.js';"],
    ['src/app.ts', "import { run } from './cli.js';"],
    ['migrations/1_users.ts', "import { openDatabase } from '../src/ledger/database.js';"],
  ];
  for (const [path, line] of forbidden) {
    it(`forbids ${path}: ${line}`, () => {
      expect(importsOf(parseSource(path, line)).map(faultOf))
        .to.have.length(1)
        .and.not.include(null);
    });
  }

  const allowed: [path: string, line: string][] = [
    ['src/core/calendar.ts', "import { DateTime } from 'luxon';"],
    ['src/collect/collect.ts', "import { observeNode } from '../proxmox/observe.js';"],
    ['src/proxmox/client.ts', "import type { Clock } from '../clock.js';"],
    ['src/web/render.ts', "import { type Clock } from '../clock.js';"],
    ['src/web/render.ts', "import { packageRoot } from '../package-root.js';"],
    ['src/commands/serve.ts', "const { createApp } = await import('../app.js');"],
    ['src/simulator/certificates.ts', "import { newKeys } from '../certificates/key-pair.js';"],
    ['src/simulator/world.ts', "import type { GuestType } from '../core/observation.js';"],
  ];
  for (const [path, line] of allowed) {
    it(`allows ${path}: ${line}`, () => {
      expect(importsOf(parseSource(path, line)).map(faultOf)).to.deep.equal([null]);
    });
  }
});

describe('the world outside', () => {
  it('tells its time to clock.ts alone', () => {
    expect(uses(isClockRead, (path) => path !== 'src/clock.ts')).to.deep.equal([]);
  });

  it('throws no dice', () => {
    expect(uses((node) => isMember(node, 'Math', 'random'))).to.deep.equal([]);
  });

  it('hands its environment to config and to those that start a process alone', () => {
    const isElsewhere = (path: string): boolean => !/^src\/(config\/|main\.ts|agent-main\.ts)/.test(path);
    expect(uses(isEnvironment, isElsewhere)).to.deep.equal([]);
  });

  it('hears SQL from the ledger alone', () => {
    const isElsewhere = (path: string): boolean => !/^(src\/ledger\/|migrations\/)/.test(path);
    expect(uses(isSql, isElsewhere)).to.deep.equal([]);
  });

  it('is recognised when it is used', () => {
    const found = (text: string, is: (node: ts.Node) => boolean): number =>
      [...nodesOf(parseSource('src/web/x.ts', text).tree)].filter(is).length;
    expect(
      found('Date.now(); new Date(); performance.now(); new Date(at); Date.parse(a); Date()', isClockRead),
    ).to.equal(4);
    expect(found("process.env['X']; const { env } = process;", isEnvironment)).to.equal(2);
    expect(
      found('db.raw(`SELECT a FROM b WHERE ${c}`); say("select a node from the list"); x("DELETE FROM a")', isSql),
    ).to.equal(2);
  });
});

function uses(is: (node: ts.Node) => boolean, isJudged: (path: string) => boolean = () => true): string[] {
  const found = (source: Source): string[] =>
    [...nodesOf(source.tree)].filter(is).map((node) => `${source.path}:${lineOf(source, node)} ${node.getText()}`);
  return sources.filter(({ path }) => isJudged(path)).flatMap(found);
}

function isMember(node: ts.Node, owner: string, member: string): boolean {
  return ts.isPropertyAccessExpression(node) && node.expression.getText() === owner && node.name.text === member;
}

function isClockRead(node: ts.Node): boolean {
  if (isMember(node, 'Date', 'now') || isMember(node, 'performance', 'now')) return true;
  const isDate = (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'Date';
  return isDate && (ts.isCallExpression(node) || (node.arguments ?? []).length === 0);
}

function isEnvironment(node: ts.Node): boolean {
  if (isMember(node, 'process', 'env')) return true;
  if (!ts.isVariableDeclaration(node) || node.initializer?.getText() !== 'process') return false;
  return (
    ts.isObjectBindingPattern(node.name) && node.name.elements.some((element) => element.getText().startsWith('env'))
  );
}

function isSql(node: ts.Node): boolean {
  const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node);
  return isText && /\b(SELECT\b.+\bFROM|INSERT INTO|UPDATE\b.+\bSET|DELETE FROM)\b/s.test(node.text);
}
