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

/** The context of a stage as if a further head were its only one. */
export function contextOfHead<Config>(
  context: StageContext<Config>,
  name: string,
): StageContext<Config> {
  const prefix = `heads/${name}/`;
  const own = Object.entries(context.inputs).flatMap(([input, folder]) =>
    input.startsWith(prefix) ? [[input.slice(prefix.length), folder]] : [],
  );
  return { ...context, inputs: Object.fromEntries(own) };
}
