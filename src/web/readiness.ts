import { probeWrites } from '../ledger/write-probe.js';
import type { WebParts } from './parts.js';

/** A probe that takes longer has failed, as far as whoever asks is concerned. */
const ANSWER_MS = 3000;
/** Anybody may ask, so one probe answers all who ask within this time. */
const KEPT_MS = 5000;

/**
 * What the manager still waits for before it is of use: its tables, a database that takes rows, a first round of polls. An
 * empty list is ready. Whoever asks while a probe is under way shares it.
 */
export function readiness({ db, clock, log, isFirstRoundDone }: WebParts): () => Promise<string[]> {
  let probing: Promise<boolean> | null = null;
  let probed: { isWriting: boolean; atMs: number } | null = null;
  const probe = (): Promise<boolean> =>
    probeWrites(db)
      .then(
        () => true,
        (error: unknown) => {
          log.warn('the database takes no rows', { error: error instanceof Error ? error.message : String(error) });
          return false;
        },
      )
      .then((isWriting) => {
        probed = { isWriting, atMs: clock.monotonicMs() };
        probing = null;
        return isWriting;
      });
  const isWriting = (): Promise<boolean> => {
    if (probed !== null && clock.monotonicMs() - probed.atMs < KEPT_MS) return Promise.resolve(probed.isWriting);
    probing ??= probe();
    return Promise.race([probing, late()]);
  };
  return async () => [
    ...((await isWriting()) ? [] : ['the database']),
    ...(isFirstRoundDone() ? [] : ['the first round of polls']),
  ];
}

function late(): Promise<false> {
  return new Promise((resolve) => void setTimeout(() => resolve(false), ANSWER_MS).unref());
}
