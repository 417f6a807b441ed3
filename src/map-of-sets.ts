/** Puts `one` into the set of `key`. Returns the function that takes it out, and the set with its last. */
export function enter<Key, One>(sets: Map<Key, Set<One>>, key: Key, one: One): () => void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(one));
  return () => {
    set.delete(one);
    if (set.size === 0 && sets.get(key) === set) sets.delete(key);
  };
}
