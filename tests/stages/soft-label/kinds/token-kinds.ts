import { join } from 'node:path';
import { bankQuestions, corpusFiles, prepareFor } from '#tests/support/language-model-runs.ts';
import { writeLexicalTeacher } from '#tests/support/lexical-teacher.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { type RowNumber, writeCorpus } from '../small-run.ts';
import {
  fewRows,
  goldenModel,
  namesOf,
  type TeacherKind,
  type TeacherRun,
  tokensUpTo,
} from './kind.ts';

const VOCABULARY = 60;
/** The tiny models have places for 16 tokens. */
const tokens = tokensUpTo(13);

/** Every second token is answered for. */
function everySecond(row: RowNumber): number[] {
  return tokens(row).flatMap((_, place) => (place % 2 === 0 ? [place] : []));
}

async function ofTokens(
  name: string,
  classes: number,
  config: TeacherRun['config'],
): Promise<TeacherRun> {
  const inputs = await writeCorpus(fewRows, {
    classNames: namesOf(classes),
    tokens,
    answers: everySecond,
  });
  return { inputs, files: { model: [await goldenModel(name)] }, config };
}

async function encoderDecoder(): Promise<TeacherRun> {
  const folder = temporaryFolder();
  const questions = bankQuestions(40);
  writeLexicalTeacher(folder, questions.slice(0, 24), questions);
  const [train, validation, test] = [
    questions.slice(0, 24),
    questions.slice(24, 32),
    questions.slice(32),
  ];
  const task = 'sequence-to-sequence';
  const { outputs } = await prepareFor(folder, corpusFiles({ train, validation, test }), { task });
  return {
    inputs: outputs,
    files: {
      model: [join(folder, 'model.onnx')],
      modelConfig: [join(folder, 'config.json')],
    },
    config: { task, topK: 8, temperatures: [1], maxLength: 128 },
  };
}

const ofLanguage = { topK: 8, temperatures: [1] };

/** Teachers that answer for each word or token. */
export const TOKEN_KINDS: readonly TeacherKind[] = [
  {
    name: 'a class a word',
    make: () => ofTokens('bert-tokens', 5, { task: 'token-classification', keep: 'all' }),
  },
  {
    name: 'a masked language model, top 8 a token',
    isEverywhere: true,
    make: () => ofTokens('modernbert-masked-lm', VOCABULARY, { task: 'masked-lm', ...ofLanguage }),
  },
  {
    name: 'a causal language model, top 8 a token',
    make: () => ofTokens('gpt2', VOCABULARY, { task: 'causal-lm', ...ofLanguage }),
  },
  {
    name: 'draws of a causal language model',
    make: () =>
      ofTokens('gpt2', VOCABULARY, {
        task: 'causal-lm',
        keep: 'sampled',
        samples: 20,
        temperatures: [1],
      }),
  },
  { name: 'an encoder-decoder with given targets', isEverywhere: true, make: encoderDecoder },
];
