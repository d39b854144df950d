import { canonicalJson } from '#cache/fingerprint.ts';

/** What differs between two descriptions, as `topK 10 -> 5`; paths lose their first word where it is `config`. */
export function recipeChanges(earlier: unknown, now: unknown): string[] {
  const before = leavesOf(earlier);
  const after = leavesOf(now);
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => {
      const [old, fresh] = [before.get(path), after.get(path)].map((value) => shorten(value));
      return `${path.replace(/^config\./, '')} ${old} -> ${fresh}`;
    });
}

function leavesOf(value: unknown, path = '', found = new Map<string, string>()) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, nested] of Object.entries(value)) {
      leavesOf(nested, path === '' ? key : `${path}.${key}`, found);
    }
  } else if (value !== undefined) {
    found.set(path, canonicalJson(value));
  }
  return found;
}

/** Digests and class lists are recognised by their beginnings. */
function shorten(value = 'unset'): string {
  return value.length <= 40 ? value : `${value.slice(0, 16)}...`;
}
