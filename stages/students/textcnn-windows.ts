import { type StudentShape, StudentShapeError } from './student.ts';

/** Widths of windows that nobody has set. */
export const DEFAULT_WIDTHS: readonly number[] = [1, 2, 3];

/** Widths of the windows, ascending and each once, and how many filters look through each. */
export function windowsOf({ kernelWidths, filters, hiddenSize }: StudentShape): {
  readonly widths: readonly number[];
  readonly filterCount: number;
} {
  const widths = [...new Set(kernelWidths ?? [])].sort((a, b) => a - b);
  if (widths.length === 0) {
    throw new StudentShapeError('textcnn', 'it has no filters', 'set kernelWidths: [1, 2, 3]');
  }
  return { widths, filterCount: filters ?? hiddenSize };
}
