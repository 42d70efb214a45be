import { Ajv } from 'ajv';
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { labScenario } from '../../src/simulator/scenarios.js';
import type { PveVersion, Scenario } from '../../src/simulator/scenario.js';
import { compileWorld, type World } from '../../src/simulator/world.js';
import { beganAt, dataOf, get, type TaskRow } from './asking.js';

/**
 * Where Proxmox's schema and what its code does differ (proxmox-api.md, read in the source), the simulator follows the code:
 * - booleans are 0 and 1;
 * - GET /nodes/{node}/tasks: archived rows have `tokenid`, active ones `saved` and the status RUNNING, none of them in the schema;
 * - GET /nodes/{node}/lxc: the schema names no `pid` and no `type`; the code sends both;
 * - GET /cluster/resources: `status` of a VM is the qmpstatus;
 * - qemu/{vmid}/config: `net[n]` and `scsi[n]` stand for numbered keys.
 * Properties that a schema does not name are therefore let through.
 */
interface PveSchema {
  type?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  optional?: number;
  pattern?: string;
  properties?: Record<string, PveSchema>;
  items?: PveSchema;
}

interface Excerpt {
  endpoints: Record<string, { parameters: string[]; returns: PveSchema }>;
}

function excerptOf(version: PveVersion): Excerpt {
  return JSON.parse(readFileSync(new URL(`../pve-schema/${version}.json`, import.meta.url), 'utf8')) as Excerpt;
}

/** In JSON Schema's words: what is not optional is required. */
function jsonSchemaOf(schema: PveSchema): Record<string, unknown> {
  const { type, properties, items, optional: _optional, pattern, ...limits } = schema;
  if (type === 'boolean') return { enum: [0, 1] };
  const named = Object.entries(properties ?? {}).map(([name, value]) => [name, jsonSchemaOf(value)] as const);
  const required = Object.entries(properties ?? {}).filter(([, value]) => value.optional !== 1);
  return {
    ...limits,
    ...(type === undefined || type === 'any' ? {} : { type }),
    ...(pattern === undefined ? {} : { pattern: `^${pattern.replace(/^\^|\$$/g, '')}$` }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(named), required: required.map(([name]) => name) }),
    ...(items === undefined ? {} : { items: jsonSchemaOf(items) }),
  };
}

function scenarioOf(version: PveVersion): Scenario {
  const lab = labScenario(beganAt);
  return {
    ...lab,
    clusters: lab.clusters.map((cluster) => ({ ...cluster, version })),
    events: [
      { at: beganAt + 1000, kind: 'start', vmid: 102 },
      { at: beganAt + 2000, kind: 'stop', vmid: 103 },
      { at: beganAt + 3000, kind: 'migrate', vmid: 104, to: 'pve-01', takesMs: 60_000 },
      { at: beganAt + 4000, kind: 'backup', node: 'pve-03', vmids: [109, 110], mode: 'snapshot', takesMs: 60_000 },
      { at: beganAt + 5000, kind: 'start', vmid: 105, error: 'start failed' },
    ],
  };
}

const pathOf: readonly (readonly [string, string])[] = [
  ['GET /version', '/version'],
  ['GET /nodes', '/nodes'],
  ['GET /nodes/{node}/qemu', '/nodes/{n}/qemu'],
  ['GET /nodes/{node}/lxc', '/nodes/{n}/lxc'],
  ['GET /nodes/{node}/tasks', '/nodes/{n}/tasks?source=all'],
  ['GET /nodes/{node}/time', '/nodes/{n}/time'],
  ['GET /nodes/{node}/status', '/nodes/{n}/status'],
  ['GET /nodes/{node}/version', '/nodes/{n}/version'],
  ['GET /cluster/resources', '/cluster/resources'],
  ['GET /cluster/status', '/cluster/status'],
  ['GET /cluster/tasks', '/cluster/tasks'],
  ['GET /access/permissions', '/access/permissions'],
];

for (const version of ['7.4', '8.4', '9.2'] as const) {
  describe(`the answers of a simulated Proxmox VE ${version}`, () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    const excerpt = excerptOf(version);
    let world: World;

    const expectValid = (endpoint: string, data: unknown): void => {
      const described = excerpt.endpoints[endpoint];
      if (described === undefined) throw new Error(`no schema of ${endpoint}`);
      const validate = ajv.compile(jsonSchemaOf(described.returns));
      // Through JSON, as a client sees it.
      expect(validate(JSON.parse(JSON.stringify(data))), `${endpoint}: ${ajv.errorsText(validate.errors)}`).to.equal(
        true,
      );
    };

    before(() => {
      world = compileWorld(scenarioOf(version));
    });

    for (const [endpoint, template] of pathOf) {
      it(`match the schema of ${endpoint}`, () => {
        for (const node of ['pve-01', 'pve-03', 'edge-01']) {
          for (const afterMs of [0, 30_000, 120_000]) {
            const [path = '', text] = template.replace('{n}', node).split('?');
            const query = Object.fromEntries(new URLSearchParams(text ?? ''));
            const data = dataOf<unknown>(get(world, node, path, beganAt + afterMs, query));
            expectValid(endpoint, data);
          }
        }
      });
    }

    it('match the schemas of a guest and of a task', () => {
      const at = beganAt + 30_000;
      const read = (path: string): unknown => dataOf<unknown>(get(world, 'pve-03', `/nodes/pve-03${path}`, at));
      expectValid('GET /nodes/{node}/qemu/{vmid}/config', read('/qemu/109/config'));
      expectValid('GET /nodes/{node}/lxc/{vmid}/config', read('/lxc/110/config'));
      expectValid('GET /nodes/{node}/qemu/{vmid}/status/current', read('/qemu/109/status/current'));
      expectValid('GET /nodes/{node}/lxc/{vmid}/status/current', read('/lxc/110/status/current'));
      const [task] = dataOf<TaskRow[]>(get(world, 'pve-01', '/nodes/pve-01/tasks', at));
      const ofTask = `/nodes/pve-01/tasks/${encodeURIComponent(task?.upid ?? '')}`;
      expectValid('GET /nodes/{node}/tasks/{upid}/status', dataOf(get(world, 'pve-01', `${ofTask}/status`, at)));
      expectValid('GET /nodes/{node}/tasks/{upid}/log', dataOf(get(world, 'pve-01', `${ofTask}/log`, at)));
    });

    it('take each parameter that the schema names for tasks, and refuse others', () => {
      const values: Readonly<Record<string, string>> = {
        source: 'all',
        statusfilter: 'ok',
        typefilter: 'qmstart',
        userfilter: 'root',
      };
      for (const name of excerpt.endpoints['GET /nodes/{node}/tasks']?.parameters ?? []) {
        if (name === 'node') continue;
        const answer = get(world, 'pve-01', '/nodes/pve-01/tasks', beganAt, { [name]: values[name] ?? '1' });
        expect('status' in answer && answer.status, name).to.equal(200);
      }
      const refused = get(world, 'pve-01', '/nodes/pve-01/tasks', beganAt, { sort: 'up' });
      expect('status' in refused && refused.status).to.equal(400);
    });
  });
}
