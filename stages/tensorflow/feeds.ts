import type { FeedSpec, Feeds } from './step-program.ts';

/** The values for one declared input; a feed that is missing or does not fit is a mistake of the caller. */
export function feedValues(spec: FeedSpec, feeds: Feeds): Int32Array | Float32Array {
  const values = feeds[spec.name];
  if (values === undefined) throw new TypeError(`no values for the feed "${spec.name}"`);
  const expected = spec.dtype === 'int32' ? Int32Array : Float32Array;
  if (!(values instanceof expected)) {
    throw new TypeError(
      `the feed "${spec.name}" is ${spec.dtype}, but got ${values.constructor.name}`,
    );
  }
  const size = spec.shape.reduce((product, dimension) => product * dimension, 1);
  if (values.length === size) return values;
  throw new TypeError(
    `the feed "${spec.name}" has shape [${spec.shape.join(', ')}], but got ${values.length} values`,
  );
}

/** Plain numbers as feeds of shape []. */
export function scalarFeeds<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): Record<Name, Float32Array> {
  const entries = Object.entries<number>(numbers).map(([name, value]) => [
    name,
    Float32Array.of(value),
  ]);
  return Object.fromEntries(entries) as Record<Name, Float32Array>;
}
