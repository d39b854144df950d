import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { sampleFolder } from './paths.ts';
import { tiedDecoder, VOCABULARY } from './tied-decoder.ts';

/**
 * Makes a masked language model of the sample's encoder: its own word embeddings as decoder, which is the head
 * of BertForMaskedLM but for one dense layer. The product with 30,522 pieces has its real cost; what it says
 * was never trained.
 */
export function writeMaskedLanguageModel(folder: string): string {
  const sample = join(sampleFolder('banking77'), 'teacher');
  const original = join(sample, 'onnx', 'model.onnx');
  const bytes = Buffer.from(readFileSync(original));
  // The classifier's logits become a value like others, as they would in an export of the language model.
  const tag = readGraphNodes(original).outputTags.get('logits');
  if (tag === undefined) throw new Error('the sample has no logits');
  bytes[tag] = VALUE_INFO_TAG;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), Buffer.concat([bytes, tiedDecoder()]));
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    cpSync(join(sample, file), join(folder, file));
  }
  const config = { model_type: 'bert', vocab_size: VOCABULARY, pad_token_id: 0 };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

// GraphProto.value_info
const VALUE_INFO_TAG = 13 * 8 + 2;
