import { EntryError, SpentKeyError } from '../core/node-entries.js';
import { unprocessable, WebError } from './errors.js';
import { orConflict } from './management.js';

/** What a change of an entry came to; 422 names what is wrong with its fields, 409 what is there already, 401 a key that is spent. */
export async function orRefused<T>(change: Promise<T>): Promise<T> {
  return orConflict(change).catch((error: unknown) => {
    if (error instanceof SpentKeyError) throw new WebError(401, error.message);
    if (!(error instanceof EntryError)) throw error;
    const fields = error.faults.map(({ field, message }) => ({ path: `/${field}`, message }));
    if (!error.faults.every(({ isTaken }) => isTaken === true)) throw unprocessable(fields);
    const [first] = error.faults;
    throw new WebError(409, `${first?.field ?? ''} ${first?.message ?? ''}.`, { fields });
  });
}
