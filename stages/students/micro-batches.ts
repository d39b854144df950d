/** Answers to all items of a call, in order; rejects with the reason of `signal`. */
export type AskBatched<Item, Answer> = (
  items: readonly Item[],
  signal?: AbortSignal,
) => Promise<Answer[]>;

/**
 * Puts the items of concurrent calls together while earlier ones are being answered: a lone call does not
 * wait, and under load batches grow up to `limit`. Each open call gets an even share of a batch, so that a
 * large one does not hold up the small ones.
 */
export function microBatches<Item, Answer>(
  answer: (items: readonly Item[]) => Promise<readonly Answer[]>,
  { limit, inFlight }: { readonly limit: number; readonly inFlight: number },
): AskBatched<Item, Answer> {
  const calls: Call<Item, Answer>[] = [];
  let running = 0;

  const pump = () => {
    while (running < inFlight && calls.length > 0) {
      const batch = takeEvenly(calls, limit);
      for (let index = calls.length - 1; index >= 0; index--) {
        if (calls[index]?.isAllAsked()) calls.splice(index, 1);
      }
      running += 1;
      void serve(batch);
    }
  };

  const serve = async (batch: readonly Taken<Item, Answer>[]) => {
    try {
      const answers = await answer(batch.map(({ item }) => item));
      for (const [index, { call, place }] of batch.entries()) call.settle(place, answers[index]);
    } catch (error) {
      for (const { call } of batch) call.fail(error);
    } finally {
      running -= 1;
      pump();
    }
  };

  return (items, signal) => {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const call = new Call<Item, Answer>(items, { resolve, reject }, signal, () => {
        const index = calls.indexOf(call);
        if (index >= 0) calls.splice(index, 1);
      });
      calls.push(call);
      pump();
    });
  };
}

interface Taken<Item, Answer> {
  readonly item: Item;
  readonly call: Call<Item, Answer>;
  readonly place: number;
}

/** One call: what of it is still to be asked, and what has been answered. */
class Call<Item, Answer> {
  readonly #items: readonly Item[];
  readonly #answers: Answer[] = [];
  readonly #outcome: { resolve(answers: Answer[]): void; reject(reason: unknown): void };
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  readonly #leave: () => void;
  #asked = 0;
  #open: number;

  constructor(
    items: readonly Item[],
    outcome: { resolve(answers: Answer[]): void; reject(reason: unknown): void },
    signal: AbortSignal | undefined,
    leave: () => void,
  ) {
    this.#items = items;
    this.#open = items.length;
    this.#outcome = outcome;
    this.#signal = signal;
    this.#leave = leave;
    this.#onAbort = () => this.fail(signal?.reason);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  take(count: number): Taken<Item, Answer>[] {
    const from = this.#asked;
    const items = this.#items.slice(from, from + count);
    this.#asked += items.length;
    return items.map((item, index) => ({ item, call: this, place: from + index }));
  }

  isAllAsked(): boolean {
    return this.#asked >= this.#items.length;
  }

  settle(place: number, answer: Answer | undefined): void {
    if (answer === undefined) return this.fail(new Error('an item was left unanswered'));
    this.#answers[place] = answer;
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#outcome.resolve(this.#answers);
  }

  /** Rejects the call, of which nothing is asked any more; a second reason changes nothing. */
  fail(reason: unknown): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#leave();
    this.#outcome.reject(reason);
  }
}

function takeEvenly<Item, Answer>(
  calls: readonly Call<Item, Answer>[],
  limit: number,
): Taken<Item, Answer>[] {
  const share = Math.max(1, Math.floor(limit / calls.length));
  const taken: Taken<Item, Answer>[] = [];
  for (const call of calls) taken.push(...call.take(Math.min(share, limit - taken.length)));
  for (const call of calls) taken.push(...call.take(limit - taken.length));
  return taken;
}
