import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { teacherFiles } from '#pipeline/teachers/teacher-files.ts';
import { externalTensor, graph, model } from '#stages/onnx/wire.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** A teacher folder whose graph keeps its weights in `location`. */
function teacherWith(location: string): string {
  const folder = join(temporaryFolder(), 'teacher');
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const place = { location, offset: 0, byteLength: 8 };
  const initializers = [externalTensor('weights', 'float32', [2], place)];
  const bytes = model(graph({ name: 'external', initializers }), { opset: 17 });
  writeFileSync(join(folder, 'onnx', 'model.onnx'), bytes);
  for (const name of ['config.json', 'tokenizer.json']) writeFileSync(join(folder, name), '{}');
  return folder;
}

test('weights beside the graph belong to the teacher, and a missing file is named', () => {
  const folder = teacherWith('model.onnx_data');
  assert.throws(() => teacherFiles(folder), failingWith('E_TEACHER_FILES', 'model.onnx_data'));
  const weights = join(folder, 'onnx', 'model.onnx_data');
  writeFileSync(weights, new Uint8Array(8));
  assert.deepEqual(teacherFiles(folder).model, [join(folder, 'onnx', 'model.onnx'), weights]);
});

test('weights that lie outside of the folder of the graph are refused', () => {
  for (const location of ['../secret.bin', '/etc/passwd', 'a/../../b', '..\\b']) {
    assert.throws(
      () => teacherFiles(teacherWith(location)),
      failingWith('E_TEACHER_FILES', 'outside of its own folder'),
      location,
    );
  }
});
