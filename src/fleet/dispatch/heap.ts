/** Up to so many items are searched one by one, which is faster than keeping their places; half of it ends the keeping again. */
const searched = 16;

/** A binary heap that knows where each item is, so that items can be removed or moved in O(log n). `before` is the order. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];
  /** Null while there are few. */
  #places: Map<T, number> | null = null;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item in order; undefined when empty. */
  peek(): T | undefined {
    return this.#items[0];
  }

  has(item: T): boolean {
    return this.#placeOf(item) !== -1;
  }

  /** Adds the item, or moves it to its place when it is there and has changed. */
  put(item: T): void {
    let place = this.#placeOf(item);
    if (place === -1) {
      place = this.#items.push(item) - 1;
      if (this.#places) this.#places.set(item, place);
      else if (place >= searched) this.#places = new Map(this.#items.map((one, at) => [one, at]));
    }
    this.#settle(place);
  }

  /** Removes the item; false when it is not there. */
  remove(item: T): boolean {
    const place = this.#placeOf(item);
    if (place === -1) return false;
    this.#places?.delete(item);
    const last = this.#items.pop() as T;
    if (this.#items.length <= searched / 2) this.#places = null;
    if (last !== item) {
      this.#items[place] = last;
      this.#places?.set(last, place);
      this.#settle(place);
    }
    return true;
  }

  /** Removes and returns the first item. */
  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** The items in order, the heap left as it is; the first k take O(k log k). Do not change it meanwhile. */
  *inOrder(): Generator<T, void, undefined> {
    const next = new Heap<number>((a, b) => this.#isBefore(a, b));
    if (this.#items.length > 0) next.put(0);
    for (let place = next.pop(); place !== undefined; place = next.pop()) {
      yield this.#items[place] as T;
      for (const below of [2 * place + 1, 2 * place + 2]) if (below < this.#items.length) next.put(below);
    }
  }

  #placeOf(item: T): number {
    return this.#places ? (this.#places.get(item) ?? -1) : this.#items.indexOf(item);
  }

  #settle(place: number): void {
    let at = place;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let first = at;
      if (left < this.#items.length && this.#isBefore(left, first)) first = left;
      if (right < this.#items.length && this.#isBefore(right, first)) first = right;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    return this.#before(this.#items[a] as T, this.#items[b] as T);
  }

  #swap(a: number, b: number): void {
    const itemA = this.#items[a] as T;
    const itemB = this.#items[b] as T;
    this.#items[a] = itemB;
    this.#items[b] = itemA;
    this.#places?.set(itemB, a);
    this.#places?.set(itemA, b);
  }
}
