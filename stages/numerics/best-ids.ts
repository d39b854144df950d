/** Places of the k largest logits, best first; of equals the smaller first. One pass for any number. */
export function bestIds(logits: ArrayLike<number>, k: number): Int32Array {
  const ids = new Int32Array(k);
  const values = new Float64Array(k).fill(Number.NEGATIVE_INFINITY);
  let kept = 0;
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id] ?? Number.NaN;
    if (kept === k && !(value > (values[k - 1] ?? 0))) continue;
    if (kept < k) kept++;
    let place = kept - 1;
    for (; place > 0 && value > (values[place - 1] ?? 0); place--) {
      values[place] = values[place - 1] ?? 0;
      ids[place] = ids[place - 1] ?? 0;
    }
    values[place] = value;
    ids[place] = id;
  }
  return ids.subarray(0, kept);
}
