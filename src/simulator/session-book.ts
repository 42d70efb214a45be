import type { EndedHow, GuestLife } from './life.js';

/** Writes down the truth while the world moves: what ran, where, and when it paused. */
export class SessionBook {
  /** The guest begins to run. */
  open(life: GuestLife, at: number): void {
    if (life.openSession !== null) throw new Error(`guest ${life.vmid} runs already`);
    life.sessions.push({
      startedAt: at,
      endedAt: null,
      endedHow: null,
      moves: [{ node: life.state.machine.name, at }],
      pauses: [],
    });
  }

  /** The guest stops to run; nothing happens when it did not run (a process that only served a backup). */
  close(life: GuestLife, at: number, how: EndedHow): void {
    const session = life.openSession;
    if (session === null) return;
    this.unpause(life, at);
    session.endedAt = at;
    session.endedHow = how;
  }

  /** It runs on another node from `at` on. */
  move(life: GuestLife, at: number, node: string): void {
    life.openSession?.moves.push({ node, at });
  }

  pause(life: GuestLife, at: number, kind: string): void {
    const pauses = life.openSession?.pauses;
    if (pauses?.[pauses.length - 1]?.to === null) return;
    pauses?.push({ from: at, to: null, kind });
  }

  unpause(life: GuestLife, at: number): void {
    const pauses = life.openSession?.pauses;
    const last = pauses?.[pauses.length - 1];
    if (last?.to === null) last.to = at;
  }
}
