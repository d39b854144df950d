/** Twice as long, with the same beginning. */
export function grown<A extends Int32Array | Uint8Array>(
  values: A,
  Result: new (length: number) => A,
): A {
  const longer = new Result(2 * values.length);
  longer.set(values);
  return longer;
}
