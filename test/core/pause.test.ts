import { expect } from 'chai';
import { withPauses } from '../../src/core/pause.js';
import { at, deriveStory, running, stopped, task, tellPauses, withPause, type Story } from './facts.js';

const seen = running(100, [110, 130, 160, 1000]);

describe('the pauses of a session', () => {
  const tables: [title: string, story: Story, pauses: string[]][] = [
    ['are none where nothing tells of one', { spans: [seen] }, []],
    [
      'lie between the tasks that paused and resumed it',
      { spans: [seen], tasks: [task('qmpause', 200, 201), task('qmresume', 300, 301)] },
      ['200~202 task .. 300~302 task paused'],
    ],
    [
      'are known where no list was read, by the log alone',
      { tasks: [task('qmstart', 50, 52), task('qmpause', 200, 201), task('qmresume', 300, 301)] },
      ['200~202 task .. 300~302 task paused'],
    ],
    [
      'begin with no task that failed, and end with none',
      {
        spans: [seen],
        tasks: [
          task('qmpause', 150, 151, { outcome: 'failed' }),
          task('qmpause', 200, 201),
          task('qmresume', 250, 251, { outcome: 'failed' }),
        ],
      },
      ['200~202 task .. open paused'],
    ],
    ['begin with no task that still runs', { spans: [seen], tasks: [task('qmpause', 200, null)] }, []],
    [
      'last until a resume, whatever was reset between',
      { spans: [seen], tasks: [task('qmpause', 200, 201), task('qmreset', 250, 251), task('qmresume', 300, 301)] },
      ['200~202 task .. 300~302 task paused'],
    ],
    [
      'lie between two samples where no task tells of them',
      { spans: [withPause(seen, [200, 230], { kind: 'io-error', beforeS: 170, afterS: 260 })] },
      ['169~201 poll .. 229~261 poll io-error'],
    ],
    [
      'begin no earlier than their session',
      { spans: [withPause(seen, [200], { kind: 'suspended' })] },
      ['99~201 poll .. open suspended'],
    ],
    [
      'are narrowed where both a task and samples tell of them',
      {
        spans: [withPause(seen, [200.5, 290], { beforeS: 201.5, afterS: 300.2 })],
        tasks: [task('qmpause', 200, 208), task('qmresume', 295, 305)],
      },
      ['200.5~201.5 task .. 295~301.2 task paused'],
    ],
    [
      'are two where a task resumed between two samples that look alike',
      {
        spans: [withPause(seen, [210, 260], { beforeS: 180, afterS: 290 })],
        tasks: [task('qmpause', 200, 201), task('qmresume', 220, 221), task('qmpause', 250, 251)],
      },
      ['200~202 task .. 220~222 task paused', '250~252 task .. 259~291 poll paused'],
    ],
    [
      'are one where the sample near the resume is of before it',
      {
        spans: [withPause(seen, [230, 299.5], { beforeS: 170, afterS: 330 })],
        tasks: [task('qmpause', 200, 201), task('qmresume', 299, 300)],
      },
      ['200~202 task .. 299~301 task paused'],
    ],
    [
      'end with a resume that no pause task came before',
      {
        spans: [withPause(seen, [200, 230], { kind: 'suspended', beforeS: 170, afterS: 330 })],
        tasks: [task('qmresume', 300, 301)],
      },
      ['169~201 poll .. 300~302 task suspended'],
    ],
    [
      'change their kind without running between',
      {
        spans: [withPause(withPause(seen, [200, 230], { beforeS: 170 }), [260], { kind: 'io-error', afterS: 290 })],
      },
      ['169~201 poll .. 229~261 poll paused', '229~261 poll .. 259~291 poll io-error'],
    ],
    [
      'end with their session',
      {
        spans: [running(100, [110, 230]), stopped(260)],
        tasks: [task('qmpause', 200, 201), task('qmstop', 240, 242)],
      },
      ['200~202 task .. 200~243 task paused'],
    ],
    [
      'go on through a live migration',
      {
        spans: [
          withPause(running(100, [110, 230]), [210], { beforeS: 180 }),
          withPause(running(240, [260, 400], { nodeId: 2 }), [270], { afterS: 300 }),
        ],
        tasks: [task('qmigrate', 238, 250)],
      },
      ['179~211 poll .. 269~301 poll paused'],
    ],
    [
      'belong to the process that they were seen of, however near the next one is',
      {
        spans: [withPause(running(100, [110, 230]), [239.5], { beforeS: 180 }), running(242, [260, 400], { pid: 7 })],
        tasks: [task('qmstop', 240, 241), task('qmstart', 241, 243)],
      },
      ['179~240.5 poll .. 238.5~242 task paused'],
    ],
    [
      'are none of a resume that began the run anew from disk',
      {
        spans: [running(100, [110, 200]), stopped(250), running(301, [320, 400], { pid: 7 })],
        tasks: [task('qmsuspend', 210, 230), task('qmresume', 300, 302)],
      },
      [],
    ],
  ];

  it('are of the session in whose time they were seen, where one process had two', () => {
    const [session] = deriveStory({ spans: [seen] }).sessions;
    if (session === undefined) throw new Error('no session');
    const edge = (s: number) => ({ ...session.start, at: at(s), earliest: at(s), latest: at(s) });
    const sessions = [
      { ...session, end: edge(300) },
      { ...session, start: edge(310) },
    ];
    const both = withPause(withPause(seen, [200], { afterS: 230 }), [400], { afterS: 430 });
    const told = withPauses(sessions, [both], []).map(({ pauses }) => pauses.map(({ start }) => start.latest));
    expect(told).to.deep.equal([[at(201)], [at(401)]]);
  });

  for (const [title, story, pauses] of tables) {
    it(title, () => expect(tellPauses(deriveStory(story))).to.deep.equal(pauses));
  }
});
