import { Failure } from '#cache/failure.ts';

/** Two artifacts number their classes differently; joining them by number would swap labels. */
export class ClassListMismatchError extends Failure {
  constructor(place: string, difference: string) {
    super(
      'data',
      'E_CLASSES_DIFFER',
      `${place}: class list differs from classes.json: ${difference}`,
      'run the pipeline from prepare again, so that all stages see one class list: decant run --from prepare',
    );
  }
}

/** Throws unless both lists name the same classes in the same order. */
export function requireSameClasses(
  place: string,
  found: readonly string[],
  expected: readonly string[],
): void {
  if (found.length !== expected.length) {
    throw new ClassListMismatchError(
      place,
      `${found.length} classes instead of ${expected.length}`,
    );
  }
  const row = found.findIndex((name, id) => name !== expected[id]);
  if (row !== -1) {
    throw new ClassListMismatchError(
      place,
      `class ${row} is "${found[row]}" instead of "${expected[row]}"`,
    );
  }
}
