import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { graph, model, node, type ProtoMessage, tensor } from '#stages/onnx/wire.ts';
import { wordTableRows } from '#stages/onnx/word-table.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-word-table');

test('the rows of the table are those of the teacher that transformers exported', () => {
  const path = join(sampleFolder('mini'), 'teacher', 'onnx', 'model.onnx');
  assert.equal(wordTableRows(path), 1046);
});

test('casts of the ids and quantised tables are seen through', () => {
  const nodes = [
    node('Cast', ['input_ids'], ['ids'], { to: { int: 6 } }),
    node('Gather', ['places', 'mask'], ['other']),
    node('DequantizeLinear', ['bytes', 'scale'], ['table']),
    node('Gather', ['table', 'ids'], ['words']),
  ];
  const bytes = tensor('bytes', 'uint8', [7, 2], new Uint8Array(14));
  assert.equal(wordTableRows(fileOf('quantised', nodes, [bytes])), 7);
});

test('a graph that looks nothing up is not guessed about', () => {
  const nodes = [node('Identity', ['input_ids'], ['logits'])];
  assert.equal(wordTableRows(fileOf('none', nodes, [])), undefined);
});

function fileOf(name: string, nodes: ProtoMessage[], initializers: ProtoMessage[]): string {
  const path = join(folder, name);
  writeFileSync(path, model(graph({ nodes, initializers })));
  return path;
}
