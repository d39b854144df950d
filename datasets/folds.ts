/** One part of the rows, left out of a training so that its student can be asked about them. */
export interface Fold {
  /** 1 to `of`. */
  readonly fold: number;
  readonly of: number;
}

/** The fold of an example, 1 to `of`: by its id, so that a growing corpus moves no row. */
export function foldOf(exampleId: string, of: number): number {
  return (Number.parseInt(exampleId.slice(-8), 16) % of) + 1;
}
