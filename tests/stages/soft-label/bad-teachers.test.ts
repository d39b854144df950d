import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { externalTensor, graph, model, node, valueInfo } from '#stages/onnx/wire.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  CLASS_COUNT,
  corpusOf,
  runSoftLabel,
  teacherWeights,
  VOCABULARY,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const inputs = await writeCorpus(corpusOf(12));

/** Files that cannot be a teacher, each with the code and the words of its refusal. */
const bad: Readonly<Record<string, readonly [path: () => string, code: string, words: string]>> = {
  'a file that is no ONNX': [
    () => written(Buffer.from('not a model at all')),
    'E_MODEL_BROKEN',
    'not an ONNX model',
  ],
  'half of a file': [
    () => {
      const whole = bagTeacher({ weights: teacherWeights(), classCount: CLASS_COUNT });
      return written(whole.subarray(0, whole.length / 2));
    },
    'E_MODEL_BROKEN',
    'cut short',
  ],
  'an operator that nobody knows': [
    () => written(oneNode('Teleport', 17)),
    'E_MODEL_REFUSED',
    'Teleport',
  ],
  'an opset below 11': [
    () => written(oneNode('Identity', 10)),
    'E_TEACHER_UNSUPPORTED',
    'opset 10 is older than 11',
  ],
  'external data that is not there': [() => external(undefined), 'E_MODEL_REFUSED', 'words.bin'],
  'external data that is too short': [() => external(8), 'E_MODEL_REFUSED', 'words'],
  'inputs of other names': [
    () => writeTeacher({ inputs: ['tokens', 'attention_mask'] }),
    'E_TEACHER_INPUTS',
    'the model wants tokens',
  ],
  'another number of classes': [
    () => writeTeacher({ weights: new Float32Array(VOCABULARY * 4), classCount: 4 }),
    'E_TEACHER_CLASSES',
    'gives 4 numbers a row',
  ],
  'the same logit for all classes': [
    () => writeTeacher({ weights: new Float32Array(VOCABULARY * CLASS_COUNT).fill(0.5) }),
    'E_TEACHER_SILENT',
    'the same logit',
  ],
  'infinite logits in every row': [
    () => writeTeacher({ weights: teacherWeights().fill(Infinity, CLASS_COUNT) }),
    'E_TEACHER_',
    '',
  ],
  'an embedding smaller than the vocabulary': [
    () => writeTeacher({ weights: teacherWeights().slice(0, 20 * CLASS_COUNT) }),
    'E_TEACHER_TOKENIZER',
    'train row 00000000000000000000000000000001 has the token 32, but the teacher knows only 0 to 19',
  ],
};

for (const [what, [path, code, words]] of Object.entries(bad)) {
  test(`${what}: refused, and no file is written`, async () => {
    const folder = temporaryFolder();
    await assert.rejects(
      runSoftLabel({ inputs, folder, files: { model: [path()] } }),
      code.endsWith('_') ? /infinite numbers|same logit/ : failingWith(code, words),
    );
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      files.filter((name) => /part-/.test(name)),
      [],
    );
  });
}

function written(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'teacher.onnx');
  writeFileSync(path, bytes);
  return path;
}

function oneNode(operator: string, opset: number): Uint8Array {
  const shape = ['batch', 'sequence'];
  const content = graph({
    name: 'one',
    nodes: [
      node('Cast', ['input_ids'], ['scores'], { to: { int: 1 } }),
      node(operator, ['scores'], ['logits']),
    ],
    inputs: [valueInfo('input_ids', 'int64', shape)],
    outputs: [valueInfo('logits', 'float32', ['batch', CLASS_COUNT])],
  });
  return model(content, { opset });
}

/** A teacher whose weights are in a file of so many bytes. */
function external(byteLength: number | undefined): string {
  const size = VOCABULARY * CLASS_COUNT * 4;
  const place = { location: 'words.bin', offset: 0, byteLength: size };
  const content = graph({
    name: 'external',
    nodes: [
      node('Gather', ['words', 'input_ids'], ['vectors']),
      node('ReduceSum', ['vectors'], ['logits'], { axes: { ints: [1] }, keepdims: { int: 0 } }),
    ],
    initializers: [externalTensor('words', 'float32', [VOCABULARY, CLASS_COUNT], place)],
    inputs: [valueInfo('input_ids', 'int64', ['batch', 'sequence'])],
    outputs: [valueInfo('logits', 'float32', ['batch', CLASS_COUNT])],
  });
  const path = written(model(content, { opset: 12 }));
  if (byteLength !== undefined) {
    writeFileSync(join(path, '..', 'words.bin'), new Uint8Array(byteLength));
  }
  return path;
}
