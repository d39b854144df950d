import { existsSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { type CheckpointGraph, checkpointGraph } from './checkpoint-graphs.ts';
import { MissingParameterError, type Tensors } from './onnx-builder.ts';
import { readSafetensors } from './safetensors.ts';
import { withoutLegacyName } from './stored-names.ts';

/** A folder of Hugging Face whose weights our graphs cannot take. */
export class UnsupportedCheckpointError extends Failure {
  constructor(folder: string, problem: string, model = folder) {
    super(
      'model',
      'E_CHECKPOINT',
      `${folder}: cannot be turned into ONNX here: ${problem}`,
      `export it with Python: ${exporterCommand(model, folder, exporterTask(folder))}`,
    );
  }
}

/** The command line of Hugging Face's own exporter. */
function exporterCommand(model: string, folder: string, task: string): string {
  const words = ['--model', model, '--task', task, folder];
  return `optimum-cli export onnx ${words.map(inShell).join(' ')}`;
}

/** What the exporter calls the task of the class that config.json names; a classifier where it names none. */
function exporterTask(folder: string): string {
  const path = join(folder, 'config.json');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const { architectures = [] } = namedClasses.catch({}).parse(parsedOrNothing(text));
  const [first] = architectures;
  if (first === undefined) return 'text-classification';
  return EXPORTER_TASKS.find(([ending]) => first.endsWith(ending))?.[1] ?? 'feature-extraction';
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inShell(word: string): string {
  return /^[\w./@:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * The ONNX file, opset 17, of a folder with config.json and model.safetensors of a BERT, DistilBERT,
 * RoBERTa or ModernBERT classifier or masked language model, or of a GPT-2: input_ids, attention_mask and,
 * where the model knows several, token_type_ids int64 [batch, sequence] -> logits [batch, classes], or
 * [batch, sequence, classes] where it answers for each token. `model` is what the exporter is to be given
 * where this cannot be done.
 */
export async function checkpointOnnx(folder: string, model = folder): Promise<Uint8Array> {
  const refuse = (problem: string) => new UnsupportedCheckpointError(folder, problem, model);
  const path = join(folder, 'model.safetensors');
  if (!existsSync(path)) throw refuse(withoutWeights(folder));
  const graph = await requireKnownCheckpoint(folder, statSync(path).size, model);
  const stored = await readSafetensors(path, { skipIntegers: true });
  const tensors = new Map([...stored].map(([name, tensor]) => [withoutLegacyName(name), tensor]));
  requireRows(tensors, graph.words, graph.vocabularySize, refuse);
  const bytes = [...tensors.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
  if (bytes > MOST_BYTES) throw refuse(TOO_LARGE);
  try {
    return graph.onnx(tensors);
  } catch (error) {
    if (!(error instanceof MissingParameterError)) throw error;
    throw refuse(`model.safetensors has no "${error.parameter}"; is it what config.json says?`);
  }
}

/** Throws where config.json of a folder, or the size of its weights, rule out that it can be turned into ONNX. */
export async function requireKnownCheckpoint(
  folder: string,
  weightBytes: number,
  model = folder,
): Promise<CheckpointGraph> {
  const refuse = (problem: string) => new UnsupportedCheckpointError(folder, problem, model);
  if (weightBytes > MOST_BYTES) throw refuse(TOO_LARGE);
  const path = join(folder, 'config.json');
  if (!existsSync(path)) throw refuse('it has no config.json');
  try {
    return checkpointGraph(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof z.ZodError) throw refuse(`config.json: ${z.prettifyError(error)}`);
    if (error instanceof SyntaxError) throw refuse(`config.json: ${error.message}`);
    throw error;
  }
}

function withoutWeights(folder: string): string {
  const index = join(folder, 'model.safetensors.index.json');
  return existsSync(index) ? 'its weights are in several files' : 'it has no model.safetensors';
}

function requireRows(
  tensors: Tensors,
  name: string,
  rows: number,
  refuse: (problem: string) => Failure,
): void {
  const found = tensors.get(name)?.shape[0];
  if (found === undefined || found === rows) return;
  throw refuse(`config.json says vocab_size ${rows}, "${name}" has ${found} rows`);
}

const namedClasses = z.looseObject({ architectures: z.array(z.string()).optional() });

/** By how the class of the model is called; what is none of these gives vectors. */
const EXPORTER_TASKS = [
  ['ForSequenceClassification', 'text-classification'],
  ['ForTokenClassification', 'token-classification'],
  ['ForMaskedLM', 'fill-mask'],
  ['ForCausalLM', 'text-generation'],
  ['LMHeadModel', 'text-generation'],
  ['ForConditionalGeneration', 'text2text-generation'],
  ['ForImageClassification', 'image-classification'],
  ['ForAudioClassification', 'audio-classification'],
] as const;

/** A protobuf message ends at 2 GiB. */
const MOST_BYTES = 1.9 * 2 ** 30;
const TOO_LARGE = 'in float32 it has more than 1.9 GiB of weights';
