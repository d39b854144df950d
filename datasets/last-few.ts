/** `read`, which keeps what it made of the last few keys. */
export function lastFew<Asked, Value>(
  count: number,
  read: (asked: Asked) => Promise<Value>,
  keyOf: (asked: Asked) => unknown = (asked) => asked,
): (asked: Asked) => Promise<Value> {
  const kept = new Map<unknown, Promise<Value>>();
  return (asked) => {
    const key = keyOf(asked);
    const found = kept.get(key) ?? read(asked);
    kept.delete(key);
    kept.set(key, found);
    if (kept.size > count) kept.delete(kept.keys().next().value);
    return found;
  };
}
