import { Failure } from '#cache/failure.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import type { TeacherFiles } from './teacher-files.ts';

/** A sentence encoder was taken for a classifier. */
export class EncoderError extends Failure {
  constructor({ config }: TeacherFiles, model: string) {
    const outputs = skimModelFile(model).outputs.map(({ name }) => name);
    super(
      'model',
      'E_TEACHER_ENCODER',
      `${model}: it gives vectors and no logits (outputs: ${outputs.join(', ')}; ${config} names no classes)`,
      'use it as teacher: { embeddings: DIR, head: fit }: a head is fitted on your labels, and `decant run` says how good it is. Where another of its outputs has logits, name that in teacher.output',
    );
  }
}

/** Is what stage one would take for logits (`output`, else `logits`, else the first) a vector a token or a text? */
export function isEncoder({ model: [graph = ''] }: TeacherFiles, output?: string): boolean {
  const names = skimModelFile(graph).outputs.map(({ name }) => name);
  const [first = ''] = names;
  return VECTORS.has(output ?? (names.includes('logits') ? 'logits' : first));
}

const VECTORS: ReadonlySet<string> = new Set([
  'last_hidden_state',
  'token_embeddings',
  'sentence_embedding',
]);
