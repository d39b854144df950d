import { canonicalJson } from './fingerprint.ts';

/** One leaf in which two descriptions differ; undefined where one does not have it. */
export interface Difference {
  /** Keys from the top, joined by dots. */
  readonly path: string;
  /** Canonical JSON. */
  readonly old: string | undefined;
  readonly new: string | undefined;
}

/** The leaves in which two JSON-like values differ, in the order of their keys. A list is one leaf. */
export function differencesBetween(earlier: unknown, now: unknown): Difference[] {
  const [before, after] = [leavesOf(earlier), leavesOf(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((path) => ({ path, old: before.get(path), new: after.get(path) }))
    .filter((difference) => difference.old !== difference.new);
}

function leavesOf(
  value: unknown,
  path = '',
  found = new Map<string, string>(),
): Map<string, string> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, nested] of Object.entries(value)) {
      leavesOf(nested, path === '' ? key : `${path}.${key}`, found);
    }
  } else if (value !== undefined) {
    found.set(path, canonicalJson(value));
  }
  return found;
}
