/** Where the rows of each example begin, whose rows stand together; one more entry tells where the last ends. */
export function exampleStarts(exampleIds: readonly string[]): number[] {
  const starts = [...exampleIds.keys()].filter(
    (row) => row === 0 || exampleIds[row] !== exampleIds[row - 1],
  );
  return [...starts, exampleIds.length];
}
