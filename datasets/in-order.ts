/**
 * Starts `depth` pieces of work ahead (as many as it says at the moment) and yields results in the order of the items. When the consumer
 * stops early, what was started is waited for, so that nothing runs on behind its back.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  depth: () => number,
  start: (item: Item) => Promise<Result>,
): AsyncGenerator<{ readonly item: Item; readonly result: Result }> {
  const started: { readonly item: Item; readonly result: Promise<Result> }[] = [];
  try {
    for await (const item of items) {
      const result = start(item);
      // Its failure is thrown when its turn comes; until then it must not count as unhandled.
      result.catch(() => undefined);
      started.push({ item, result });
      for (let over = started.length - depth(); over > 0; over = started.length - depth()) {
        const first = started.shift();
        if (first !== undefined) yield { item: first.item, result: await first.result };
      }
    }
    for (let first = started.shift(); first !== undefined; first = started.shift()) {
      yield { item: first.item, result: await first.result };
    }
  } finally {
    await Promise.allSettled(started.map(({ result }) => result));
  }
}
