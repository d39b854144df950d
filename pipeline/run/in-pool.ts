/** Works on all items, `jobs` of them at a time; when one fails, those that have begun end before it is thrown. */
export async function inPool<Item>(
  items: readonly Item[],
  jobs: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  let isBroken = false;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined && !isBroken; item = items[next++]) {
      try {
        await work(item);
      } catch (error) {
        isBroken = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: jobs }, worker));
  const broken = ended.find((one) => one.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
}
