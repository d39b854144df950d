/** An output of a recorded graph, its element type and shape. */
export interface Source {
  readonly output: string;
  readonly type: number;
  readonly shape: readonly number[];
  /** Of a vector: what it is made of, one after the other. */
  readonly parts?: readonly Part[];
}

/** An output that is a vector, and its length. */
export interface Part {
  readonly output: string;
  readonly length: number;
}

/** Are the outputs of a split these parts? */
export function isCutAt(
  parts: readonly Part[],
  outputs: readonly { readonly shape: readonly number[] }[],
): boolean {
  return (
    parts.length === outputs.length &&
    parts.every(({ length }, index) => outputs[index]?.shape.join() === String(length))
  );
}

/** What ConcatV2 joins, where it is vectors. Its last input is the axis. */
export function vectorsOf(inputs: readonly Source[]): readonly Part[] | undefined {
  const joined = inputs.slice(0, -1);
  if (joined.some(({ shape }) => shape.length !== 1)) return undefined;
  return joined.map(({ output, shape }) => ({ output, length: shape[0] ?? 0 }));
}
