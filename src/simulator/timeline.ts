/** A value that changes at instants: appended in order of time, read at any instant by binary search. */
export class Timeline<T> {
  private readonly ats: number[] = [];
  private readonly values: T[] = [];

  /** Sets the value from `at` on; `at` never goes back, and a second value of one instant replaces the first. */
  set(at: number, value: T): void {
    const last = this.ats.length - 1;
    const lastAt = this.ats[last];
    if (lastAt !== undefined && at < lastAt) throw new RangeError('a timeline only grows forward');
    if (lastAt === at) {
      this.values[last] = value;
      return;
    }
    this.ats.push(at);
    this.values.push(value);
  }

  /** The newest value, whatever the instant. */
  get latest(): T | undefined {
    return this.values[this.values.length - 1];
  }

  /** The value in force at `at`; undefined before the first. */
  at(at: number): T | undefined {
    const index = countUpTo(this.ats, at) - 1;
    return index < 0 ? undefined : this.values[index];
  }

  /** The instant from which the value in force at `at` holds; undefined before the first. */
  heldSince(at: number): number | undefined {
    return this.ats[countUpTo(this.ats, at) - 1];
  }
}

/** How many of the sorted instants are at or before `at`. */
export function countUpTo(ats: readonly number[], at: number): number {
  let low = 0;
  let high = ats.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ats[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
