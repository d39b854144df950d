/** What is judged by two figures. */
export interface Priced {
  /** More is better. */
  readonly value: number;
  /** Less is better. */
  readonly cost: number;
}

/** Places of those that no other one beats: none is at least as good at no more cost, and better in one of both. */
export function paretoFront(models: readonly Priced[]): number[] {
  const places = models.map((_, index) => index);
  return places.filter((place) => {
    const one = models[place];
    return one !== undefined && !models.some((other) => beats(other, one));
  });
}

function beats(other: Priced, one: Priced): boolean {
  const noWorse = other.value >= one.value && other.cost <= one.cost;
  return noWorse && (other.value > one.value || other.cost < one.cost);
}
