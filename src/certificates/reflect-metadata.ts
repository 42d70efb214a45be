/** The four calls of the metadata proposal that the X.509 library's injector needs; set only where nobody else did. Import it before that library. */
type Metadata = Map<unknown, unknown>;

const byTarget = new WeakMap<object, Metadata>();

function getOwnMetadata(key: unknown, target: object): unknown {
  return byTarget.get(target)?.get(key);
}

function getMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const own = getOwnMetadata(key, at);
    if (own !== undefined) return own;
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const own = byTarget.get(target) ?? new Map<unknown, unknown>();
  byTarget.set(target, own.set(key, value));
}

function metadata(key: unknown, value: unknown): (target: object) => void {
  return (target) => defineMetadata(key, value, target);
}

if (!('getMetadata' in Reflect)) Object.assign(Reflect, { getOwnMetadata, getMetadata, defineMetadata, metadata });
