import type { Engine } from './engine.js';
import type { EndedHow, SessionRecord } from './life.js';
import type { GuestType } from './scenario.js';

/** A stretch of a session in which the guest's CPUs stood still, with QEMU's name for it. */
export interface TruePause {
  from: number;
  to: number | null;
  kind: string;
}

/** One true session, whatever the API showed of it. Intervals are half-open; null: goes on at the instant asked about. */
export interface TrueSession {
  cluster: string;
  type: GuestType;
  vmid: number;
  /** 1, 2, ... each time that the VMID's config file came to be. */
  life: number;
  startedAt: number;
  endedAt: number | null;
  endedHow: EndedHow | null;
  segments: { node: string; startedAt: number; endedAt: number | null }[];
  pauses: TruePause[];
}

/** All sessions that began by `untilAt`, as they stood then, ordered by cluster, VMID and start. */
export function truthOf(engine: Engine, untilAt: number): TrueSession[] {
  const sessions: TrueSession[] = [];
  for (const [cluster, byVmid] of engine.lives) {
    for (const vmid of [...byVmid.keys()].sort((a, b) => a - b)) {
      for (const life of byVmid.get(vmid) ?? []) {
        const { type } = life;
        for (const record of life.sessions) {
          if (record.startedAt > untilAt) continue;
          sessions.push({ cluster, type, vmid, life: life.life, ...asOf(record, untilAt) });
        }
      }
    }
  }
  return sessions;
}

function asOf(record: SessionRecord, untilAt: number): Omit<TrueSession, 'cluster' | 'type' | 'vmid' | 'life'> {
  const hasEnded = record.endedAt !== null && record.endedAt <= untilAt;
  const endedAt = hasEnded ? record.endedAt : null;
  const moves = record.moves.filter((move) => move.at <= untilAt);
  return {
    startedAt: record.startedAt,
    endedAt,
    endedHow: hasEnded ? record.endedHow : null,
    segments: moves.map((move, index) => ({
      node: move.node,
      startedAt: move.at,
      endedAt: moves[index + 1]?.at ?? endedAt,
    })),
    pauses: record.pauses
      .filter((pause) => pause.from <= untilAt)
      .map(({ from, to, kind }) => ({ kind, from, to: to !== null && to <= untilAt ? to : null })),
  };
}
