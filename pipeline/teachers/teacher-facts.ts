import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { isLanguageModel, type Task } from '#datasets/task.ts';
import {
  parseTokenizerJson,
  type TokenizerVocabulary,
  vocabularyOf,
} from '#datasets/tokens/tokenizer-json.ts';
import { firstPositionOf } from '#stages/onnx/first-position.ts';
import type { GraphValue } from '#stages/onnx/model-skim.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { countParameters } from '#stages/onnx/parameter-count.ts';
import { wordTableRows } from '#stages/onnx/word-table.ts';
import { type ClassList, readClassList } from '#stages/prepare/class-list.ts';
import { maskTokenIdOf } from '#stages/prepare/special-tokens.ts';
import { readVocabulary } from '#stages/prepare/vocabulary-classes.ts';
import { requireTokenizer, type TeacherFiles } from './teacher-files.ts';
import { type FoundLicense, licenseBeside } from './teacher-license.ts';

/** What the files of a teacher say of it, without loading it. */
export interface TeacherFacts {
  readonly opset: number;
  /** Weights, without those in external data. */
  readonly parameters: number;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Of a language model the pieces of its vocabulary. */
  readonly classes: ClassList;
  /** What it is asked: as decant.yaml has it, or else its config.json. */
  readonly task: Task;
  /** Of a masked language model: the token that hides another. */
  readonly maskId: number | undefined;
  /** undefined where its rows have no text. */
  readonly tokenizer: TokenizerVocabulary | undefined;
  /** Rows of the table of words; undefined where the graph does not show it. */
  readonly wordRows: number | undefined;
  /** Most tokens that the model has positions for; undefined where its config.json does not say. */
  readonly positions: number | undefined;
  /** Licence and the file that names it. */
  readonly license: FoundLicense | undefined;
}

/** The tokenizer gives ids that the model has no row for. */
export class TokenizerTooLargeError extends Failure {
  constructor(tokenizer: string, vocabulary: number, rows: number) {
    super(
      'model',
      'E_TEACHER_TOKENIZER',
      `${tokenizer}: its ids go up to ${vocabulary - 1}, but the model knows only 0 to ${rows - 1}`,
      'put the tokenizer.json beside it that the model was trained with',
    );
  }
}

/** What decant.yaml says of them, if there is one. */
interface TeacherSettings {
  readonly task: Task | undefined;
  readonly classNames: readonly string[] | undefined;
  /** Have its rows a text, or tensors alone? */
  readonly hasText: boolean;
}

/** Without decant.yaml there are texts to show, and this teacher reads none. */
export class NeedsTensorsError extends Failure {
  constructor(model: string, inputs: readonly GraphValue[]) {
    const names = inputs.map(({ name }) => name).join(', ');
    super(
      'usage',
      'E_TEACHER_CHECK_ROWS',
      `${model} reads no text (inputs: ${names}), and there is no decant.yaml that says which rows to show it`,
      'run it where decant.yaml names them: corpus.columns: { text: null, tensors: { INPUT: COLUMNS } }',
    );
  }
}

/** Reads them; throws where tokenizer and model cannot belong together. */
export async function teacherFacts(
  files: TeacherFiles,
  { task: wanted, classNames, hasText }: TeacherSettings,
): Promise<TeacherFacts> {
  const [model = ''] = files.model;
  const { opset, inputs, outputs } = skimModelFile(model);
  const task = wanted ?? taskIn(files.config);
  const wordRows = wordTableRows(model);
  const common = {
    opset,
    parameters: countParameters(model),
    inputs,
    outputs,
    task,
    wordRows,
    positions: positionsOf(files.config),
    license: licenseBeside(files.config),
  };
  if (!hasText) {
    const classes = await readClassList(files.config, classNames);
    return { ...common, classes, maskId: undefined, tokenizer: undefined };
  }
  if (!inputs.some(({ name }) => name === 'input_ids') && files.tokenizer === undefined) {
    throw new NeedsTensorsError(model, inputs);
  }
  const path = requireTokenizer(files);
  const text = readFileSync(path, 'utf8');
  const tokenizerJson = parseTokenizerJson(text, path);
  const tokenizer = vocabularyOf(tokenizerJson);
  if (wordRows !== undefined && tokenizer.size > wordRows) {
    throw new TokenizerTooLargeError(path, tokenizer.size, wordRows);
  }
  return {
    ...common,
    classes: isLanguageModel(task)
      ? await readVocabulary(path, files.config)
      : await readClassList(files.config, classNames),
    maskId:
      task === 'masked-lm'
        ? await maskTokenIdOf(tokenizerJson, path, files.specialTokens[0])
        : undefined,
    tokenizer,
  };
}

/** By the name of its class in transformers. */
function taskIn(config: string): Task {
  const { architectures } = configHead.catch({}).parse(JSON.parse(readFileSync(config, 'utf8')));
  const found = TASK_OF_ENDING.find(([ending]) =>
    architectures?.some((name) => name.endsWith(ending)),
  );
  return found?.[1] ?? 'classification';
}

const TASK_OF_ENDING: readonly (readonly [ending: string, task: Task])[] = [
  ['ForTokenClassification', 'token-classification'],
  ['ForMaskedLM', 'masked-lm'],
  ['ForCausalLM', 'causal-lm'],
  ['LMHeadModel', 'causal-lm'],
  ['ForConditionalGeneration', 'sequence-to-sequence'],
];

/** RoBERTa's table has rows before the first position: that of padding and those under it. */
function positionsOf(config: string): number | undefined {
  const parsed = configSchema.safeParse(JSON.parse(readFileSync(config, 'utf8')));
  if (!parsed.success) return undefined;
  return parsed.data.max_position_embeddings - firstPositionOf(parsed.data);
}

const configSchema = z.looseObject({
  max_position_embeddings: z.int().positive(),
  model_type: z.string().optional(),
  pad_token_id: z.int().nonnegative().nullish(),
});

const configHead = z.looseObject({ architectures: z.array(z.string()).optional() });
