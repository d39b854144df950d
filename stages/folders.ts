import type { StageContext } from './stage.ts';

/** Folder of an input artifact. A missing one is a mistake in the graph of stages, not in the user's data. */
export function inputOf(context: StageContext<unknown>, name: string): string {
  return known(context.inputs[name], `input "${name}"`);
}

/** Folder to fill for a declared output. */
export function outputOf(context: StageContext<unknown>, name: string): string {
  return known(context.outputs[name], `output "${name}"`);
}

/** Absolute paths of the files outside the store that go by this name; at least one. */
export function filesOf(context: StageContext<unknown>, name: string): readonly string[] {
  const files = context.files[name] ?? [];
  known(files[0], `file "${name}"`);
  return files;
}

function known(value: string | undefined, what: string): string {
  if (value === undefined) throw new Error(`the graph gave the stage no ${what}`);
  return value;
}
