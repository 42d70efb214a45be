/** A wish about users or keys that cannot be granted; its message is one sentence for the person who asked. */
export class AccessError extends Error {
  override name = 'AccessError';
}
