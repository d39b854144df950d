import { readFile } from 'node:fs/promises';
import { type Example, SPLITS } from '#datasets/example.ts';
import type { LanguageModelTask } from '#datasets/task.ts';
import { cutOf } from '#datasets/tokens/long-texts.ts';
import { openTokenizer, type TextTokenizer } from '#datasets/tokens/tokenizer.ts';
import { parseTokenizerJson, piecesOf } from '#datasets/tokens/tokenizer-json.ts';
import { type TokenTable, writeTokens } from '#datasets/tokens/tokens.ts';
import { filesOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { tokenise } from '#stages/texts/tokenise.ts';
import { askMaskedTokens, askNextTokens, askTargetTokens } from './asked-tokens.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { longTextEvents } from './long-text-events.ts';
import { decoderStartIdOf, maskTokenIdOf } from './special-tokens.ts';
import { writeStudentTokenizer } from './student-tokenizer.ts';
import { asProgress } from './tokenise-splits.ts';

type Context = StageContext<PrepareConfig>;

/**
 * Tokenises every split once, for teacher and student together: a student that predicts the teacher's tokens
 * has its tokenizer, and its answers stand at the same places.
 */
export async function* tokeniseLanguage(
  context: Context,
  { splits }: CutCorpus,
  task: LanguageModelTask,
): AsyncGenerator<StageEvent, void, void> {
  const [path = ''] = filesOf(context, 'teacherTokenizer');
  const { files, config } = context;
  const maxLength = config.teacherMaxLength;
  const tokenizer = await openTokenizer(path, maxLength);
  const ask = await askerOf(context, task, tokenizer);
  const total = SPLITS.reduce((sum, split) => sum + splits[split].examples.length, 0);
  const tables: TokenTable[] = [];
  let before = 0;
  for (const split of SPLITS) {
    const { examples } = splits[split];
    const detail = `tokens, ${split}`;
    const table = yield* asProgress(ask(examples), { before, total, detail });
    for (const owner of ['teacher', 'student']) {
      await writeTokens(outputOf(context, `tokens/${owner}/${split}`), table);
    }
    tables.push(table);
    before += examples.length;
  }
  yield* longTextEvents('teacher', tables, cutOf());
  yield* answerEvents(tables);
  const specials = {
    config: files['teacherTokenizerConfig']?.[0],
    specialTokens: files['teacherSpecialTokens']?.[0],
  };
  const folder = outputOf(context, 'tokenizer/student');
  const sizes = await writeStudentTokenizer(
    folder,
    { tokenizer: path, ...specials },
    { maxLength, longTexts: undefined, usedIds: null },
  );
  yield { type: 'count', name: 'vocabularySize', value: sizes.student };
}

type Asker = (examples: readonly Example[]) => AsyncGenerator<number, TokenTable, void>;

/** Turns examples into tokens and says which of them are answered for. */
async function askerOf(
  context: Context,
  task: LanguageModelTask,
  tokenizer: TextTokenizer,
): Promise<Asker> {
  const { signal } = context;
  switch (task) {
    case 'causal-lm':
      return async function* (examples) {
        return askNextTokens(yield* tokenise(examples, tokenizer, signal));
      };
    case 'masked-lm': {
      const rule = await maskRuleOf(context);
      return async function* (examples) {
        return askMaskedTokens(yield* tokenise(examples, tokenizer, signal), rule);
      };
    }
    case 'sequence-to-sequence': {
      const [configPath = ''] = filesOf(context, 'teacherConfig');
      const startId = await decoderStartIdOf(configPath);
      return async function* (examples) {
        const sources = examples.map((example) => ({ ...example, textPair: null }));
        const targets = sources.map((source, row) => ({
          ...source,
          text: examples[row]?.textPair ?? '',
        }));
        const target = yield* tokenise(targets, tokenizer, signal);
        return askTargetTokens(yield* tokenise(sources, tokenizer, signal), target, startId);
      };
    }
    default:
      return task satisfies never;
  }
}

/** Special tokens are neither hidden nor put in place of others, as transformers has it. */
async function maskRuleOf(context: Context) {
  const [path = ''] = filesOf(context, 'teacherTokenizer');
  const tokenizer = parseTokenizerJson(await readFile(path, 'utf8'), path);
  const special = new Set(tokenizer.added_tokens.flatMap((one) => (one.special ? [one.id] : [])));
  const pieces = piecesOf(tokenizer);
  const { seed, maskShare: share = 0.15 } = context.config;
  return {
    seed,
    share,
    maskId: await maskTokenIdOf(tokenizer, path, context.files['teacherSpecialTokens']?.[0]),
    replacements: [...pieces.keys()].filter((id) => pieces[id] !== undefined && !special.has(id)),
    isMaskable: (tokenId: number) => !special.has(tokenId),
  };
}

function* answerEvents(tables: readonly TokenTable[]): Generator<StageEvent, void, void> {
  const answers = tables.reduce((sum, table) => sum + (table.answers?.at.length ?? 0), 0);
  yield { type: 'count', name: 'askedTokens', value: answers };
  const silent = tables.reduce((sum, table) => sum + silentRows(table), 0);
  const count = (value: number) => value.toLocaleString('en-US');
  yield { type: 'note', message: `${count(answers)} tokens are asked of the teacher` };
  if (silent === 0) return;
  yield {
    type: 'note',
    message: `rows with nothing to ask for (too few tokens): ${count(silent)}`,
  };
}

function silentRows({ exampleIds, answers }: TokenTable): number {
  const offsets = answers?.offsets ?? new Int32Array();
  return exampleIds.filter((_, row) => offsets[row] === offsets[row + 1]).length;
}
