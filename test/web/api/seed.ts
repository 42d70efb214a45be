import type { Database } from '../../../src/ledger/database.js';
import { HOUR, NOW } from './lab.js';

/** The ids that the tests name. */
export interface Seed {
  nodes: { one: number; two: number; solo: number; gone: number };
  guests: { web: number; mail: number; old: number; twin: number; quiet: number };
  sessions: { open: number; moved: number; ended: number; first: number; twin: number };
}

type Row = Record<string, string | number | null>;

async function add(db: Database, table: string, row: Row): Promise<number> {
  const [id] = (await db.writer(table).insert(row)) as number[];
  if (id === undefined) throw new Error(`no id of ${table}`);
  return id;
}

/**
 * A cluster `lab` of pve-01 (seen just now) and pve-02 (unreachable for an hour), a standalone pve-09, and a node that was
 * removed. 104 runs in lab and stands still on pve-09; 105 of lab is a container; 106 was destroyed and is borne anew.
 */
export async function seed(db: Database): Promise<Seed> {
  const lab = await cluster(db, 'lab');
  const alone = await cluster(db, 'pve-09');
  const nodes = {
    one: await node(db, lab, 'pve-01', {
      boot_at: NOW - 240 * HOUR,
      version: '9.2.3',
      coverage_since: NOW - 720 * HOUR,
    }),
    two: await node(db, lab, 'pve-02', { health: 'unreachable', last_error: 'pve-02 did not answer within 10 s' }),
    solo: await node(db, alone, 'pve-09', {}),
    gone: await node(db, alone, 'old-01', { is_active: 0, removed_at: NOW - HOUR }),
  };
  await poll(db, nodes.one, NOW - 40_000, 'seen', { offset_earliest_ms: 10, offset_latest_ms: 31 });
  await poll(db, nodes.one, NOW - 10_000, 'seen', { offset_earliest_ms: 20, offset_latest_ms: 41 });
  await poll(db, nodes.two, NOW - HOUR, 'seen', {});
  await poll(db, nodes.two, NOW - 10_000, 'unreachable', {});
  await poll(db, nodes.solo, NOW - 12_000, 'seen', {});
  const guests = await seedGuests(db, { lab, alone }, nodes);
  const sessions = await seedSessions(db, nodes, guests);
  await seedRest(db, lab, nodes);
  return { nodes, guests, sessions };
}

async function cluster(db: Database, name: string): Promise<number> {
  return add(db, 'clusters', {
    cluster_key: `name:${name}`,
    name,
    revision: 0,
    fence: 0,
    lease_counter: 0,
    created_at: NOW,
  });
}

async function node(db: Database, clusterId: number, name: string, more: Row): Promise<number> {
  return add(db, 'nodes', {
    cluster_id: clusterId,
    name,
    proxmox_name: name,
    hostname: `${name}.example`,
    source: 'pull',
    generation: 1,
    is_active: 1,
    health: 'online',
    created_at: NOW - 800 * HOUR,
    ...more,
  });
}

async function poll(db: Database, nodeId: number, at: number, outcome: string, more: Row): Promise<void> {
  const seen = outcome === 'seen';
  await add(db, 'polls', {
    node_id: nodeId,
    began_at: at,
    finished_at: at + 300,
    qemu_outcome: outcome,
    lxc_outcome: outcome,
    tasks_outcome: outcome,
    qemu_sent_at: seen ? at + 5 : null,
    qemu_received_at: seen ? at + 50 : null,
    lxc_sent_at: seen ? at + 60 : null,
    lxc_received_at: seen ? at + 90 : null,
    ...more,
  });
}

async function seedGuests(
  db: Database,
  clusters: { lab: number; alone: number },
  nodes: Seed['nodes'],
): Promise<Seed['guests']> {
  const { lab, alone } = clusters;
  const sized = { cores: 4, memory_bytes: 8 * 2 ** 30, tags: 'gpu;prod', pool: 'customers' };
  const guests = {
    web: await guest(db, lab, nodes.one, 104, { name: 'vGPU-1', ...sized }),
    mail: await guest(db, lab, nodes.two, 105, { name: 'mail', type: 'lxc' }),
    old: await guest(db, lab, nodes.one, 106, { current_vmid: null, destroyed_at: NOW - 100 * HOUR, name: 'old' }),
    twin: await guest(db, alone, nodes.solo, 104, { name: 'twin' }),
    quiet: await guest(db, lab, nodes.one, 106, { life: 2, name: 'quiet' }),
  };
  const first = NOW - 50 * HOUR;
  await span(db, guests.web, nodes.one, 'running', first, null);
  await span(db, guests.mail, nodes.two, 'running', NOW - 20 * HOUR, null);
  await span(db, guests.old, nodes.one, 'running', NOW - 120 * HOUR, NOW - 100 * HOUR);
  await span(db, guests.twin, nodes.solo, 'running', NOW - 30 * HOUR, NOW - 29 * HOUR);
  await span(db, guests.twin, nodes.solo, 'stopped', NOW - 29 * HOUR, null);
  await span(db, guests.quiet, nodes.one, 'stopped', first, null);
  return guests;
}

async function guest(db: Database, clusterId: number, nodeId: number, vmid: number, more: Row): Promise<number> {
  return add(db, 'guests', {
    cluster_id: clusterId,
    type: 'qemu',
    vmid,
    life: 1,
    current_vmid: vmid,
    node_id: nodeId,
    is_template: 0,
    first_seen_at: NOW - 200 * HOUR,
    created_at: NOW - 200 * HOUR,
    ...more,
  });
}

async function span(
  db: Database,
  guestId: number,
  nodeId: number,
  state: string,
  first: number,
  last: number | null,
): Promise<void> {
  await add(db, 'spans', {
    guest_id: guestId,
    open_guest_id: last === null ? guestId : null,
    node_id: nodeId,
    state,
    first_sent: first,
    first_received: first + 20,
    last_sent: last,
    last_received: last === null ? null : last + 20,
    is_barred: 0,
    is_young: 0,
  });
}

async function seedSessions(db: Database, nodes: Seed['nodes'], guests: Seed['guests']): Promise<Seed['sessions']> {
  const { one, two, solo } = nodes;
  const moved = await session(db, guests.mail, [two], NOW - 20 * HOUR, null, {});
  await db
    .writer('segments')
    .where({ session_id: moved })
    .update({ node_id: one, ended_at: NOW - 10 * HOUR });
  await segment(db, moved, two, NOW - 10 * HOUR, null);
  return {
    moved,
    open: await session(db, guests.web, [one], NOW - 50 * HOUR + 123, null, {
      start_upid: 'UPID:pve-01:0001:0002:6745:qmstart:104:root@pam:',
      user: 'root@pam',
      start_evidence: 'task',
    }),
    ended: await session(db, guests.web, [one], NOW - 80 * HOUR, NOW - 60 * HOUR - 500, { end_reason: 'shutdown' }),
    first: await session(db, guests.old, [one], NOW - 120 * HOUR, NOW - 100 * HOUR, {
      start_earliest: null,
      start_evidence: 'log_edge',
      end_reason: 'destroy',
    }),
    twin: await session(db, guests.twin, [solo], NOW - 30 * HOUR, NOW - 29 * HOUR, { end_reason: 'stop' }),
  };
}

async function session(
  db: Database,
  guestId: number,
  nodeIds: number[],
  start: number,
  end: number | null,
  more: Row,
): Promise<number> {
  const id = await add(db, 'sessions', {
    guest_id: guestId,
    open_guest_id: end === null ? guestId : null,
    start_at: start,
    start_earliest: start - 1000,
    start_latest: start + 1000,
    start_evidence: 'uptime',
    start_proof: '[]',
    end_at: end,
    end_earliest: end === null ? null : end - 2000,
    end_latest: end === null ? null : end + 2000,
    end_evidence: end === null ? null : 'poll',
    end_proof: end === null ? null : '[]',
    node_id: nodeIds.at(-1) ?? null,
    created_at: start + 30_000,
    updated_at: start + 30_000,
    ...more,
  });
  for (const nodeId of nodeIds) await segment(db, id, nodeId, start, end);
  return id;
}

async function segment(
  db: Database,
  sessionId: number,
  nodeId: number,
  start: number,
  end: number | null,
): Promise<void> {
  const size = { cores: 4, memory_bytes: 8 * 2 ** 30 };
  await add(db, 'segments', { session_id: sessionId, node_id: nodeId, started_at: start, ended_at: end, ...size });
}

async function seedRest(db: Database, lab: number, nodes: Seed['nodes']): Promise<void> {
  const gap = { cluster_id: lab, detail: 'no answer within 10 s', is_proven: 0 };
  await add(db, 'gaps', {
    ...gap,
    node_id: nodes.two,
    open_node_id: nodes.two,
    started_at: NOW - HOUR + 5,
    ended_at: null,
    reason: 'unreachable',
  });
  await add(db, 'gaps', {
    ...gap,
    node_id: nodes.one,
    open_node_id: null,
    started_at: NOW - 30 * HOUR,
    ended_at: NOW - 29 * HOUR,
    reason: 'manager_down',
    is_proven: 1,
  });
  await add(db, 'tasks', {
    cluster_id: lab,
    node_id: nodes.one,
    upid: 'UPID:pve-01:0001:0002:6745:qmstart:104:root@pam:',
    type: 'qmstart',
    vmid: 104,
    user: 'root@pam',
    status: 'ok',
    raw_start_s: 1,
    raw_end_s: 2,
    pstart: 5,
    start_earliest: NOW - 50 * HOUR,
    start_latest: NOW - 50 * HOUR + 1000,
    end_earliest: NOW - 50 * HOUR + 2000,
    end_latest: NOW - 50 * HOUR + 3000,
    created_at: NOW,
  });
}
