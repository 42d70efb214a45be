/** SQLite takes some ten thousand bound values at most; lists of ids are asked in parts. */
const BATCH = 500;

/** Asks once for every 500 ids and joins the answers; asks nothing for no ids. */
export async function inBatches<T>(ids: readonly number[], ask: (part: number[]) => Promise<T[]>): Promise<T[]> {
  const answers: T[] = [];
  for (let k = 0; k < ids.length; k += BATCH) answers.push(...(await ask(ids.slice(k, k + BATCH))));
  return answers;
}
