import type { Context } from 'koa';
import type { PollReport } from '../../../core/poll-report.js';
import { formOf } from '../../body.js';
import type { WebParts } from '../../parts.js';
import type { Flash } from '../../present/pages-chrome.js';
import { countOf } from '../../present/pages-figures.js';
import { backPath, setFlash } from './flash.js';
import type { MonthFigures } from './month-figures.js';

/** POST /force-sync: polls every node now and leads back to where the button was, with what was found. */
export async function forceSync(ctx: Context, parts: WebParts, figures: MonthFigures): Promise<void> {
  const report = await parts.pollNow({ nodes: null });
  figures.forget();
  setFlash(ctx, syncSentence(report));
  ctx.status = 303;
  ctx.redirect(backPath(formOf(ctx).get('back')));
}

/** `3 nodes, 214 guests, 2 changes, pve-02 not seen: connection refused`. */
export function syncSentence(report: PollReport): Flash {
  if (report.nodes.length === 0) {
    return { tone: 'warn', text: 'There is no node to poll yet: the overview says how to add one.' };
  }
  const failed = report.nodes.filter((node) => !node.isSeen || node.error !== null);
  const sum = (count: (node: PollReport['nodes'][number]) => number): number =>
    report.nodes.reduce((total, node) => total + count(node), 0);
  const changes = sum((node) => node.changes.length);
  const told = failed
    .slice(0, 3)
    .map((node) => `${node.node} ${node.isSeen ? '' : 'not seen: '}${node.error ?? 'no answer'}`);
  const more = failed.length > told.length ? [`${failed.length - told.length} more not seen`] : [];
  const parts = [
    countOf(report.nodes.length, 'node'),
    countOf(
      sum((node) => node.guestCount),
      'guest',
    ),
    changes === 0 ? 'no change' : countOf(changes, 'change'),
    ...told,
    ...more,
  ];
  return { tone: failed.length > 0 ? 'warn' : 'good', text: `Synced: ${parts.join(', ')}` };
}
