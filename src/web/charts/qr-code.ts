import { encode } from 'uqr';

export interface QrCode {
  /** Modules on each side, the quiet zone included. */
  size: number;
  /** The dark modules as the path of an SVG, one unit a module. */
  path: string;
}

const QUIET_ZONE = 4;

/** A text as a QR code that is drawn by the view: no image, so that the policy of the pages need not allow any. */
export function qrCode(text: string): QrCode {
  const { size, data } = encode(text, { ecc: 'M', border: QUIET_ZONE });
  const runs = data.flatMap((row, y) => runsOf(row).map(({ x, length }) => `M${x} ${y}h${length}v1h-${length}z`));
  return { size, path: runs.join('') };
}

/** The stretches of dark modules in a row. */
function runsOf(row: readonly boolean[]): { x: number; length: number }[] {
  const runs: { x: number; length: number }[] = [];
  row.forEach((isDark, x) => {
    const last = runs.at(-1);
    if (!isDark) return;
    if (last !== undefined && last.x + last.length === x) last.length++;
    else runs.push({ x, length: 1 });
  });
  return runs;
}
