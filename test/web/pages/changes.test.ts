import { expect } from 'chai';
import type { EndReason } from '../../../src/core/evidence.js';
import type { RecentChanges } from '../../../src/ledger/queries/pages-changes.js';
import type { EdgeView, PauseView, SessionView } from '../../../src/ledger/queries/read-model.js';
import { changeRows } from '../../../src/web/present/pages-changes.js';
import { edgeBound, endKnown, startKnown, wordsOfUpid } from '../../../src/web/present/pages-evidence.js';
import { nodesText, sessionRow } from '../../../src/web/present/pages-sessions.js';
import { syncSentence } from '../../../src/web/routes/pages/force-sync.js';

const asOf = Date.UTC(2026, 10, 24, 9);
const upid = (type: string, user: string): string => `UPID:pve-01:0000ABCD:00A0B0C0:69240000:${type}:104:${user}:`;
const edge = (at: number, more: Partial<EdgeView> = {}): EdgeView => ({
  at,
  earliest: at - 400,
  latest: at + 100,
  evidence: 'uptime',
  ...more,
});

function session(more: Partial<SessionView>): SessionView {
  const start = more.start ?? edge(asOf - 3_600_000);
  return {
    id: 1,
    guestId: 7,
    clusterId: 1,
    cluster: 'lab',
    vmid: 104,
    type: 'qemu',
    guestName: 'mail',
    isGuestPresent: true,
    node: 'pve-01',
    start,
    end: null,
    endReason: null,
    startUpid: null,
    stopUpid: null,
    user: null,
    provenUntil: asOf,
    durationMs: 1,
    segments: [{ node: 'pve-01', startedAt: start.at, endedAt: null, cores: null, memoryBytes: null }],
    pauses: [],
    pausedMs: 0,
    createdAt: asOf,
    ...more,
  };
}

const none: RecentChanges = { started: [], ended: [], moved: [], gaps: [] };
const options = { zone: 'UTC', asOf, limit: 10, runningByNode: new Map([['pve-04', 6]]) };

describe('how an edge is known', () => {
  it('names the task and who gave it, without the name of a token', () => {
    const ended = session({
      end: edge(asOf, { evidence: 'task' }),
      endReason: 'shutdown',
      stopUpid: upid('qmshutdown', 'alice@pve!automation'),
    });
    expect(endKnown(ended)).to.equal('task qmshutdown, alice@pve');
    expect(wordsOfUpid('nonsense')).to.equal(null);
    expect(wordsOfUpid(null)).to.equal(null);
  });

  it('has words where no task tells it', () => {
    const by = (endReason: EndReason, evidence: EdgeView['evidence'] = 'poll'): string =>
      endKnown(session({ end: edge(asOf, { evidence }), endReason }));
    expect(by('unlogged')).to.equal('no task: powered off inside');
    expect(by('unlogged', 'journal')).to.equal('journal: powered off inside');
    expect(by('host', 'boot')).to.equal('node pve-01 went down');
    expect(by('migrated_away')).to.equal('moved to a node that is not tracked');
    expect(startKnown(session({}))).to.equal('uptime');
  });

  it('says "or earlier" where the log does not reach back, and the worse side else', () => {
    expect(edgeBound(edge(asOf, { earliest: null }))).to.equal('or earlier');
    expect(edgeBound(edge(asOf, { earliest: asOf - 15_000, latest: asOf + 3 }))).to.equal('± 15 s');
  });

  it('never shows a session as running that nothing has proven of late', () => {
    const row = (provenUntil: number) =>
      sessionRow(session({ provenUntil }), { zone: 'UTC', asOf, hasGuest: false, unseenAfterMs: 70_000 });
    expect(row(asOf - 71_000).state.word).to.equal('not seen');
    expect(row(asOf - 12_000).state.word).to.equal('running');
  });

  it('tells how long a session was paused, of what kind, and when of late', () => {
    const pause = (kind: PauseView['kind'], fromS: number, toS: number | null): PauseView => {
      const end = toS === null ? null : edge(asOf - toS * 1000);
      return { kind, start: edge(asOf - fromS * 1000), end, startUpid: null, endUpid: null };
    };
    const told = (pausedMs: number, pauses: PauseView[]) =>
      sessionRow(session({ pauses, pausedMs }), { zone: 'UTC', asOf, hasGuest: false, unseenAfterMs: 70_000 }).paused;
    expect(told(0, [])).to.equal(null);
    expect(told(40_000, [pause('paused', 100, 60)])).to.deep.equal({
      text: 'paused 40 s',
      list: 'paused from 24 Nov 08:58:20 to 24 Nov 08:59:00',
    });
    expect(told(110_000, [pause('paused', 200, 120), pause('suspended', 30, null)])).to.deep.equal({
      text: 'asleep now, 1 m 50 s in 2 pauses',
      list: 'asleep from 24 Nov 08:59:30 until now; paused from 24 Nov 08:56:40 to 24 Nov 08:58:00',
    });
  });

  it('names the way of a session over its nodes once each', () => {
    const at = (node: string) => ({ node, startedAt: 0, endedAt: 1, cores: 1, memoryBytes: 1 });
    expect(nodesText(session({ segments: ['a', 'a', 'b'].map(at) }))).to.equal('a → b');
    expect(nodesText(session({ segments: ['a', 'b', 'a', 'c'].map(at) }))).to.equal('a → … → c (3 moves)');
  });
});

describe('the feed of changes', () => {
  it('tells a reboot once, with how far stop and start lie apart', () => {
    const stop = edge(asOf - 61_600, { evidence: 'task' });
    const before = session({ id: 1, end: stop, endReason: 'reboot', stopUpid: upid('qmreboot', 'root@pam') });
    const after = session({ id: 2, start: edge(asOf - 60_000) });
    const rows = changeRows({ ...none, started: [after], ended: [before] }, options);
    expect(rows.map((row) => `${row.when} ${row.subject} ${row.verb}: ${row.detail}`)).to.deep.equal([
      '08:59:00 mail rebooted: qmreboot by root@pam · 1.6 s apart',
    ]);
  });

  it('tells a stop and a start that do not belong together apart, newest first', () => {
    const before = session({ id: 1, end: edge(asOf - 50_000), endReason: 'unlogged' });
    const after = session({ id: 2, start: edge(asOf - 20_000) });
    const rows = changeRows({ ...none, started: [after], ended: [before] }, options);
    expect(rows.map((row) => row.verb)).to.deep.equal(['started', 'stopped']);
  });

  it('says of a node that is not seen how many guests were kept, and of one seen again what is proven', () => {
    const gap = {
      id: 1,
      cluster: 'lab',
      node: 'pve-04',
      reason: 'unreachable' as const,
      detail: null,
      isProven: false,
    };
    const open = { ...gap, startedAt: asOf - 1000, endedAt: null };
    const shut = { ...gap, startedAt: asOf - 90_000, endedAt: asOf - 30_000, isProven: true };
    const rows = changeRows({ ...none, gaps: [open, shut] }, options);
    expect(rows.map((row) => `${row.verb}: ${row.detail}`)).to.deep.equal([
      'not seen: did not answer · 6 guests kept running',
      'seen again: the time between is proven',
      'not seen: did not answer · for 1 m 00 s',
    ]);
  });
});

describe('the sentence of a sync', () => {
  const node = { node: 'pve-01', isSeen: true, error: null, guestCount: 3, changes: [] };
  const totals = { sessionsCreated: 0, sessionsUpdated: 0, sessionsSkipped: 0 };

  it('names what was found, and each node that was not seen, up to three', () => {
    const lost = ['a', 'b', 'c', 'd'].map((name) => ({
      ...node,
      node: name,
      isSeen: false,
      error: 'timed out',
      guestCount: 0,
    }));
    expect(syncSentence({ nodes: [node], ...totals })).to.deep.equal({
      tone: 'good',
      text: 'Synced: 1 node, 3 guests, no change',
    });
    expect(syncSentence({ nodes: [node, ...lost], ...totals }).text).to.equal(
      'Synced: 5 nodes, 3 guests, no change, a not seen: timed out, b not seen: timed out, c not seen: timed out, 1 more not seen',
    );
  });

  it('points to the first steps where there is no node', () => {
    expect(syncSentence({ nodes: [], ...totals })).to.include({ tone: 'warn' });
  });
});
