import { GraphBuilder } from './graph-builder.ts';
import { readGraphNodes } from './graph-nodes.ts';
import { findLogitsHead } from './logits-head.ts';
import { modelBytes } from './model-bytes.ts';
import { skimModelFile } from './model-skim.ts';
import { graph, graphAppendix } from './wire.ts';

/** A model that gives what its last matrix product reads. */
export interface FeatureModel {
  readonly bytes: Uint8Array;
  /** Name of the output, [batch, width]. */
  readonly output: string;
}

/** Adds the features behind the logits to the outputs of a model file; undefined where no last product is found. */
export async function withFeatureOutput(path: string): Promise<FeatureModel | undefined> {
  const skim = skimModelFile(path);
  const logits = skim.outputs.find(({ name }) => name === 'logits');
  const head = logits && findLogitsHead(readGraphNodes(path), logits);
  if (head === undefined) return undefined;
  const build = new GraphBuilder(skim, logits?.shape?.slice(0, -1));
  const output = build.output('features', head.hidden, '');
  return { bytes: await modelBytes(path, graphAppendix(graph(build.parts()))), output };
}
