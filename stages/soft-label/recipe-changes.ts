import { differencesBetween } from '#cache/differences.ts';

/** What differs between two descriptions, as `topK 10 -> 5`; paths lose their first word where it is `config`. */
export function recipeChanges(earlier: unknown, now: unknown): string[] {
  return differencesBetween(earlier, now).map(
    ({ path, old, new: fresh }) =>
      `${path.replace(/^config\./, '')} ${shorten(old)} -> ${shorten(fresh)}`,
  );
}

/** Digests and class lists are recognised by their beginnings. */
function shorten(value = 'unset'): string {
  return value.length <= 40 ? value : `${value.slice(0, 16)}...`;
}
