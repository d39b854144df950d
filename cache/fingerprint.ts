import { createHash } from 'node:crypto';

/** SHA-256 of canonical JSON: key order never matters, array order always does. */
export function fingerprintOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** JSON with sorted keys. Throws on what JSON would lose: NaN, infinities, functions, undefined in arrays. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, nested]) => nested !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, nested]) => `${JSON.stringify(key)}:${canonicalJson(nested)}`).join(',')}}`;
  }
  const finite = typeof value !== 'number' || Number.isFinite(value);
  const text = finite ? JSON.stringify(value) : undefined;
  if (text === undefined) throw new TypeError(`cannot be fingerprinted: ${String(value)}`);
  return text;
}
