/**
 * Reads one after the other and stays one ahead of the caller: while it works on an item, disk and
 * codecs, which have threads of their own, are busy with the next. When it stops early, so do they.
 */
export async function* readAhead<Key, Item>(
  keys: Iterable<Key>,
  read: (key: Key) => Promise<Item>,
): AsyncGenerator<Item, void, void> {
  const reading: Promise<Item>[] = [];
  try {
    for (const key of keys) {
      reading.push(begun(read(key)));
      const first = reading.length > AHEAD ? reading.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (const item of reading) yield await item;
  } finally {
    await Promise.allSettled(reading);
  }
}

/** A failure is thrown when its turn comes; until then it must not count as unhandled. */
function begun<Item>(reading: Promise<Item>): Promise<Item> {
  reading.catch(() => undefined);
  return reading;
}

const AHEAD = 1;
