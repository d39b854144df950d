import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, ProtoMessage, valueInfo } from '#stages/onnx/wire.ts';
import {
  type ByteSource,
  bytesAsSource,
  type Field,
  fieldsOf,
  nested,
  textOf,
} from '#stages/onnx/wire-reader.ts';
import { sampleFolder } from './paths.ts';

/**
 * Writes the encoder of a sample's teacher as an exporter would: its classifier is cut off and
 * `last_hidden_state` comes out. config.json keeps no class names.
 */
export function writeSentenceEncoder(folder: string, sample: 'mini' | 'banking77'): string {
  const teacher = join(sampleFolder(sample), 'teacher');
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    cpSync(join(teacher, name), join(folder, name));
  }
  const config: Record<string, unknown> = JSON.parse(
    readFileSync(join(teacher, 'config.json'), 'utf8'),
  );
  const { id2label: _names, label2id: _ids, ...rest } = config;
  writeFileSync(join(folder, 'config.json'), JSON.stringify(rest));
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const model = readFileSync(join(teacher, 'onnx', 'model.onnx'));
  const width = Number(config['hidden_size']);
  writeFileSync(join(folder, 'onnx', 'model.onnx'), withoutClassifier(model, width));
  return folder;
}

function withoutClassifier(bytes: Uint8Array, width: number): Uint8Array {
  const source = bytesAsSource(bytes);
  const model = new ProtoMessage();
  for (const field of fieldsOf(source, 0, source.size)) {
    if (field.number === GRAPH) model.message(GRAPH, encoderGraph(source, field, width));
    else copyField(source, field, model);
  }
  return model.finish();
}

function encoderGraph(source: ByteSource, field: Field, width: number): ProtoMessage {
  const graph = new ProtoMessage();
  let hidden = '';
  for (const part of nested(source, field)) {
    const { operator, inputs, outputs } = part.number === NODE ? nodeOf(source, part) : NO_NODE;
    // The last Gather takes the first token for the pooler.
    if (operator === 'Gather') hidden = inputs[0] ?? '';
    if (part.number !== OUTPUT && !outputs.includes('logits')) copyField(source, part, graph);
  }
  return graph
    .message(NODE, node('Identity', [hidden], ['last_hidden_state']))
    .message(OUTPUT, valueInfo('last_hidden_state', 'float32', ['batch', 'sequence', width]));
}

function nodeOf(source: ByteSource, part: Field) {
  const fields = [...nested(source, part)];
  const texts = (number: number) =>
    fields.filter((one) => one.number === number).map((one) => textOf(source, one));
  return { operator: texts(4)[0], inputs: texts(1), outputs: texts(2) };
}

const NO_NODE = { operator: undefined, inputs: [], outputs: [] };

function copyField(source: ByteSource, field: Field, target: ProtoMessage): void {
  const isNumber = field.value !== 0n;
  if (isNumber) target.int(field.number, field.value);
  else target.bytes(field.number, source.read(field.offset, field.length));
}

const GRAPH = 7;
const NODE = 1;
const OUTPUT = 12;
