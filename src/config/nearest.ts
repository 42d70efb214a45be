/** The known word that `word` was most likely meant to be, or null where none is near: at most two edits, or a third of its length. */
export function nearest(word: string, known: readonly string[]): string | null {
  const bound = Math.max(2, Math.floor(word.length / 3));
  let best: { name: string; distance: number } | null = null;
  for (const name of known) {
    const distance = editDistance(plain(word), plain(name));
    if (distance <= bound && distance < name.length && (best === null || distance < best.distance)) {
      best = { name, distance };
    }
  }
  return best === null ? null : best.name;
}

// tokenValue, token-value and token_value are the same slip of the pen.
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const swapped = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
