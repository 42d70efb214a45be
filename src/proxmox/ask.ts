import type { Clock } from '../clock.js';
import type { Seen } from '../core/observation.js';
import type { Answer, ProxmoxApi } from './client.js';
import { notSeen, ProxmoxError } from './errors.js';

/** An outcome with the error behind it, for those who decide by it what to ask next. */
export interface Asked<T> {
  seen: Seen<T>;
  error: ProxmoxError | null;
}

/** One request, read: what `read` throws as a ProxmoxError counts as not seen, as the request's own failure does. */
export async function ask<T>(
  api: ProxmoxApi,
  clock: Clock,
  path: string,
  query: Record<string, string | number>,
  read: (answer: Answer) => T,
): Promise<Asked<T>> {
  const sentAt = clock.now();
  try {
    const answer = await api.get(path, query);
    const seen: Seen<T> = {
      kind: 'seen',
      value: read(answer),
      sentAt: answer.sentAt,
      receivedAt: answer.receivedAt,
    };
    return { seen, error: null };
  } catch (error) {
    const seen = notSeen(error, { sentAt, receivedAt: clock.now() });
    return { seen, error: error instanceof ProxmoxError ? error : null };
  }
}
