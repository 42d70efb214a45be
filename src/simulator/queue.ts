interface Item {
  at: number;
  order: number;
  run: () => void;
}

/** What is due, by instant and then by order of arrival; scenario events come before continuations of the same instant. */
export class DueQueue {
  private readonly heap: Item[] = [];
  private arrivals = 0;

  /** `isEvent`: an event of the scenario, as opposed to the continuation of one. */
  push(at: number, isEvent: boolean, run: () => void): void {
    this.arrivals += 1;
    const item: Item = { at, order: this.arrivals + (isEvent ? 0 : 2 ** 40), run };
    let index = this.heap.length;
    this.heap.push(item);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = this.heap[parent] as Item;
      if (!isBefore(item, above)) break;
      this.heap[index] = above;
      index = parent;
    }
    this.heap[index] = item;
  }

  nextAt(): number | null {
    return this.heap[0]?.at ?? null;
  }

  /** Takes out the first; throws when empty. */
  pop(): Item {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined) throw new RangeError('nothing is due');
    if (this.heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.heap.length) break;
      const right = this.heap[child + 1];
      if (right !== undefined && isBefore(right, this.heap[child] as Item)) child += 1;
      if (!isBefore(this.heap[child] as Item, last)) break;
      this.heap[index] = this.heap[child] as Item;
      index = child;
    }
    this.heap[index] = last;
    return first;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
