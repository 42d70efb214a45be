import type { Clock } from '../clock.js';
import type { ManagerConfig } from '../config/client.js';
import type { Log } from '../log.js';
import { createManagerClient } from './manager-client.js';

export type ManagerCheck = { warnings: string[] } & ({ ok: true } | { ok: false; sentence: string });

/** Whether the manager answers and takes the key. It is sent a registration without a name, which it refuses once it knows the key: nothing is registered. */
export async function checkManager(config: ManagerConfig, { clock }: { clock: Clock }): Promise<ManagerCheck> {
  const warnings: string[] = [];
  const ignore = (): void => {};
  const log: Log = { debug: ignore, info: ignore, error: ignore, warn: (message) => void warnings.push(message) };
  const client = createManagerClient(config, { clock, log });
  try {
    const outcome = await client.send({ name: 'register', body: {} });
    // 422: it read the body, which it does for whom it knows.
    if (outcome.kind === 'refused' && outcome.status === 422) return { ok: true, warnings };
    const sentence =
      outcome.kind === 'taken' ? `${config.url} takes what no manager takes: is it one?` : outcome.sentence;
    return { ok: false, sentence, warnings };
  } finally {
    client.close();
  }
}
