import type { Clock } from '../../src/clock.js';
import type { Answer, ProxmoxApi } from '../../src/proxmox/client.js';
import { ProxmoxError } from '../../src/proxmox/errors.js';
import type { World } from '../../src/simulator/world.js';

/** A clock that stands where it is put, for worlds of weeks in seconds. */
export class MovedClock implements Clock {
  constructor(public at: number) {}

  now(): number {
    return this.at;
  }

  monotonicMs(): number {
    return this.at;
  }
}

/** The way to one node of a world without sockets: the same answers as over the wire, at the clock's instant. `tripMs` is how long a request takes each way. */
export function worldApi(
  world: World,
  node: string,
  authorization: string,
  clock: MovedClock,
  tripMs: number,
): ProxmoxApi {
  const api: ProxmoxApi = {
    requestCount: 0,
    handshakeCount: 0,
    close: () => {},
    get: (path, query = {}) => {
      api.requestCount += 1;
      const sentAt = clock.at;
      const texts = Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]));
      const request = { method: 'GET', path, query: texts, authorization, entryNode: node };
      const answer = world.answer(request, sentAt + tripMs);
      clock.at = sentAt + 2 * tripMs + answer.delayMs;
      return Promise.resolve().then((): Answer => read(answer, path, sentAt, clock.at));
    },
  };
  return api;
}

function read(answer: ReturnType<World['answer']>, path: string, sentAt: number, receivedAt: number): Answer {
  if ('fault' in answer) {
    const kind = answer.fault === 'hang' ? 'timeout' : answer.fault === 'refused' ? 'unreachable' : 'bad_answer';
    throw new ProxmoxError(kind, `${path}: ${answer.fault}`);
  }
  if (answer.status !== 200) {
    const kind = answer.status === 401 ? 'unauthorized' : answer.status === 403 ? 'forbidden' : 'unreachable';
    throw new ProxmoxError(kind, `${path}: ${answer.status} ${answer.statusText}`, {
      statusCode: answer.status,
      said: answer.statusText,
    });
  }
  const body = answer.body as { data: unknown; total?: number };
  const date = Object.entries(answer.headers).find(([name]) => name.toLowerCase() === 'date')?.[1];
  return {
    data: body.data,
    total: body.total ?? null,
    sentAt,
    receivedAt,
    dateAt: date === undefined ? null : Date.parse(date),
  };
}
