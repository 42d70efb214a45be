/** An instant known to lie within [earliest, latest], epoch ms; both ends belong to it. */
export interface Window {
  earliest: number;
  latest: number;
}

/** The instants that both allow, or null where they exclude each other. */
export function intersect(a: Window, b: Window): Window | null {
  const earliest = Math.max(a.earliest, b.earliest);
  const latest = Math.min(a.latest, b.latest);
  return earliest <= latest ? { earliest, latest } : null;
}

/** The smallest window that holds both. */
export function hull(a: Window, b: Window): Window {
  return { earliest: Math.min(a.earliest, b.earliest), latest: Math.max(a.latest, b.latest) };
}

/** True where some instant lies in both. */
export function meets(a: Window, b: Window): boolean {
  return a.earliest <= b.latest && b.earliest <= a.latest;
}

/** The window grown by `byMs` on either side. */
export function widen(window: Window, byMs: number): Window {
  return { earliest: window.earliest - byMs, latest: window.latest + byMs };
}

/** The instant of the window nearest to `at`. */
export function clamp(at: number, window: Window): number {
  return Math.min(Math.max(at, window.earliest), window.latest);
}

/** The middle, a whole millisecond. */
export function middle(window: Window): number {
  return Math.floor((window.earliest + window.latest) / 2);
}
