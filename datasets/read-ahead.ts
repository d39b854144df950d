import { inOrder } from './in-order.ts';

/**
 * Reads one after the other and stays one ahead of the caller: while it works on an item, disk and
 * codecs, which have threads of their own, are busy with the next. When it stops early, so do they.
 */
export async function* readAhead<Key, Item>(
  keys: Iterable<Key>,
  read: (key: Key) => Promise<Item>,
): AsyncGenerator<Item, void, void> {
  for await (const { result } of inOrder(keys, () => 1, read)) yield result;
}
