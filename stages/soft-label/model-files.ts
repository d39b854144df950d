import { join } from 'node:path';
import { digestFile, digestOf, listFiles } from '#cache/digest.ts';
import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';

type Context = StageContext<unknown>;

/** The teacher's graph: of a file that the user named, or of an encoder that was given a head. */
export function modelOf(context: Context): string {
  const fitted = context.inputs[FITTED];
  return fitted === undefined
    ? (filesOf(context, 'model')[0] ?? '')
    : join(fitted, 'onnx', 'model.onnx');
}

/** Its config.json, where there is one. */
export function modelConfigOf({ files, inputs }: Context): string | undefined {
  const fitted = inputs[FITTED];
  return fitted === undefined ? files['modelConfig']?.[0] : join(fitted, 'config.json');
}

/** Digest of a teacher that was made in an earlier stage: graph, external data and config; undefined for any other. */
export async function digestOfFitted({ inputs }: Context): Promise<string | undefined> {
  const fitted = inputs[FITTED];
  if (fitted === undefined) return undefined;
  const paths = (await listFiles(fitted)).toSorted();
  const digests = await Promise.all(paths.map((path) => digestFile(join(fitted, path))));
  return digestOf(digests.join('\n'));
}

const FITTED = 'teacher';
