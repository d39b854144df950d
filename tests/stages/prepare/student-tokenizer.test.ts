import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { z } from 'zod';
import { SPLITS } from '#datasets/example.ts';
import { parseTokenizerJson } from '#datasets/tokens/tokenizer-json.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { prepare } from '#stages/prepare/index.ts';
import { trimVocabulary } from '#stages/prepare/trimmed-vocabulary.ts';
import { readVocabulary } from '#stages/train-student/student-shape.ts';
import { failureOf } from '#tests/support/failure.ts';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';
import { prepareRows, sampleFiles, smallCorpus } from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

let sample: StageRun;

before(async () => {
  sample = await runStage(prepare, { files: sampleFiles('mini') });
});

function folder(run: StageRun, name: string): string {
  return run.outputs[name] ?? assert.fail(`no output ${name}`);
}

test('the trimmed tokenizer cuts the train split into the same pieces', async () => {
  const teacher = await readTokens(folder(sample, 'tokens/teacher/train'));
  const student = await readTokens(folder(sample, 'tokens/student/train'));
  const [oldVocabulary, newVocabulary] = [
    vocabularyOf(teacherTokenizer()),
    vocabularyOf(studentTokenizer(sample)),
  ];
  const newIdOfOld = new Map(
    [...oldVocabulary].flatMap(([piece, id]) => [[id, newVocabulary.get(piece)] as const]),
  );
  assert.ok(newVocabulary.size < oldVocabulary.size);
  assert.equal(sample.counts['vocabularySize'], newVocabulary.size);
  assert.deepEqual(student.offsets, teacher.offsets);
  assert.deepEqual(
    [...student.tokenIds],
    [...teacher.tokenIds].map((id) => newIdOfOld.get(id)),
  );
  assert.deepEqual(
    [...newVocabulary.values()],
    [...newVocabulary.keys()].map((_, id) => id),
  );
});

test('single characters of scripts in use stay, so that words which train never had are not unknown', async () => {
  const kept = vocabularyOf(studentTokenizer(sample));
  const characters = [...vocabularyOf(teacherTokenizer()).keys()].filter((piece) =>
    /^(##)?[\x20-\x7e]$/.test(piece),
  );
  assert.ok(characters.length > 50);
  assert.ok(characters.every((piece) => kept.has(piece)));
  const unknown = kept.get('[UNK]');
  for (const split of SPLITS) {
    const { tokenIds } = await readTokens(folder(sample, `tokens/student/${split}`));
    assert.ok(!tokenIds.includes(unknown ?? -1), split);
  }
});

test('characters of scripts that train never uses go: they would never be trained', () => {
  const path = join(sampleFolder('banking77'), 'teacher', 'tokenizer.json');
  const tokenizer = parseTokenizerJson(readFileSync(path, 'utf8'), path);
  const full = new Map(
    Object.entries(z.record(z.string(), z.int()).parse(tokenizer.model['vocab'])),
  );
  const [chinese = ''] = [...full.keys()].filter((piece) => /^\p{Script=Han}$/u.test(piece));
  const kept = trimVocabulary(tokenizer, new Set([full.get('card') ?? 0]), path).newIds;
  const isKept = (piece: string) => kept.has(full.get(piece) ?? -1);
  assert.deepEqual(['card', '##z', '7', chinese].map(isKept), [true, true, true, false]);
});

test('the student tokenizer files agree with each other and cut at the length of the student', async () => {
  const run = await runStage(prepare, {
    files: sampleFiles('mini'),
    config: { studentMaxLength: 32 },
  });
  const tokenizer = studentTokenizer(run);
  assert.equal(tokenizer.truncation.max_length, 32);
  assert.equal(tokenizer.padding, null);
  const config = studentFile(run, 'tokenizer_config.json');
  assert.equal(config.model_max_length, 32);
  assert.equal(config.cls_token, '[CLS]');
  const kept = vocabularyOf(tokenizer);
  for (const [id, token] of Object.entries<{ content: string }>(config.added_tokens_decoder)) {
    assert.equal(kept.get(token.content), Number(id));
  }
  for (const { id, content } of tokenizer.added_tokens) assert.equal(kept.get(content), id);
  const special = tokenizer.post_processor.special_tokens['[SEP]'];
  assert.deepEqual(special?.ids, [kept.get('[SEP]')]);
  assert.equal(studentFile(run, 'special_tokens_map.json').mask_token, '[MASK]');
});

test('the student tokenizer makes the inputs that students have, whatever the teacher reads', async () => {
  const lone = { teacherTokenizerConfig: [], teacherSpecialTokens: [] };
  const runs = [sample, await prepareRows(smallCorpus, { files: lone })];
  for (const run of runs) {
    const { model_input_names } = studentFile(run, 'tokenizer_config.json');
    assert.deepEqual(model_input_names, ['input_ids', 'attention_mask']);
  }
});

test('a lone teacher tokenizer gets the files that transformers asks for', async () => {
  const run = await prepareRows(smallCorpus, {
    files: { teacherTokenizerConfig: [], teacherSpecialTokens: [] },
  });
  const config = studentFile(run, 'tokenizer_config.json');
  assert.equal(config.tokenizer_class, 'BertTokenizer');
  assert.equal(config.do_lower_case, true);
  assert.deepEqual(
    [config.cls_token, config.sep_token, config.pad_token, config.unk_token, config.mask_token],
    ['[CLS]', '[SEP]', '[PAD]', '[UNK]', '[MASK]'],
  );
  assert.deepEqual(Object.keys(studentFile(run, 'special_tokens_map.json')).sort(), [
    'cls_token',
    'mask_token',
    'pad_token',
    'sep_token',
    'unk_token',
  ]);
});

test('the full vocabulary keeps every id', async () => {
  const run = await prepareRows(smallCorpus, { config: { studentVocabulary: 'full' } });
  const teacher = await readTokens(folder(run, 'tokens/teacher/train'));
  const student = await readTokens(folder(run, 'tokens/student/train'));
  assert.deepEqual(student.tokenIds, teacher.tokenIds);
  assert.equal(run.counts['vocabularySize'], vocabularyOf(teacherTokenizer()).size);
});

test('a student that reads further than the teacher knows the pieces behind the cut', async () => {
  const train = [{ text: 'card card card card card exchange' }, ...smallCorpus.train];
  const config = { teacherMaxLength: 6, studentMaxLength: 32 };
  const run = await prepareRows({ ...smallCorpus, train }, { config });
  assert.ok(vocabularyOf(studentTokenizer(run)).has('exchange'));
  assert.equal(run.counts['truncatedRows'], 4);
  assert.match(
    run.warnings.join('\n'),
    /4 of 6 rows \(66\.7 %\) are longer than 6 tokens.*teacher\.maxLength/,
  );
});

test('a tokenizer of another kind is not trimmed but taken whole on demand', async () => {
  const path = join(temporaryFolder(), 'tokenizer.json');
  const vocab = { '[UNK]': 0, my: 1, card: 2, sent: 3 };
  const model = { type: 'WordLevel', vocab, unk_token: '[UNK]' };
  const added = [
    {
      id: 0,
      content: '[UNK]',
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    },
  ];
  writeFileSync(
    path,
    JSON.stringify({
      version: '1.0',
      added_tokens: added,
      pre_tokenizer: { type: 'Whitespace' },
      model,
    }),
  );
  const files = { teacherTokenizer: [path] };
  const failure = await failureOf(prepareRows(smallCorpus, { files }));
  assert.deepEqual(
    [failure.code, failure.fix],
    ['E_TOKENIZER_TRIM', 'set student.vocabulary: full'],
  );
  assert.match(failure.message, /WordLevel/);
  const run = await prepareRows(smallCorpus, { files, config: { studentVocabulary: 'full' } });
  assert.equal(run.counts['vocabularySize'], 4);
});

for (const kind of ['bpe', 'unigram'] as const) {
  test(`a ${kind} tokenizer is refused by name or taken whole, with its special tokens`, async () => {
    const tokenizer = join(goldenFolder, 'tokenizers', `${kind}.tokenizer.json`);
    const lone = { teacherTokenizerConfig: [], teacherSpecialTokens: [] };
    const files = { ...lone, teacherTokenizer: [tokenizer] };
    const train = [{ text: '我的卡 😀 أين بطاقتي', label: 'card_arrival' }, ...smallCorpus.train];
    const failure = await failureOf(prepareRows({ ...smallCorpus, train }, { files }));
    assert.equal(failure.code, 'E_TOKENIZER_TRIM');
    assert.match(failure.message.toLowerCase(), new RegExp(`a ${kind} vocabulary`));
    const run = await prepareRows(
      { ...smallCorpus, train },
      { files, config: { studentVocabulary: 'full' } },
    );
    for (const split of SPLITS) {
      const teacher = await readTokens(folder(run, `tokens/teacher/${split}`));
      const student = await readTokens(folder(run, `tokens/student/${split}`));
      assert.deepEqual(student.tokenIds, teacher.tokenIds, split);
    }
    const vocabulary = await readVocabulary(folder(run, 'tokenizer/student'));
    const { vocabularySize, padTokenId, clsTokenId, sepTokenId } = vocabulary;
    assert.equal(run.counts['vocabularySize'], vocabularySize);
    assert.deepEqual([clsTokenId, padTokenId, sepTokenId], [0, 1, 2]);
    assert.equal(studentFile(run, 'tokenizer_config.json').unk_token, '<unk>');
  });
}

interface TokenizerFile {
  readonly truncation: { readonly max_length: number };
  readonly padding: unknown;
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly post_processor: { readonly special_tokens: Record<string, { readonly ids: number[] }> };
  readonly model: { readonly vocab: Record<string, number> };
}

function teacherTokenizer(): TokenizerFile {
  return JSON.parse(readFileSync(join(sampleFolder('mini'), 'teacher', 'tokenizer.json'), 'utf8'));
}

function studentTokenizer(run: StageRun): TokenizerFile {
  return studentFile(run, 'tokenizer.json');
}

function studentFile(run: StageRun, name: string): ReturnType<typeof JSON.parse> {
  return JSON.parse(readFileSync(join(folder(run, 'tokenizer/student'), name), 'utf8'));
}

/** Pieces and their ids, in the order of the ids. */
function vocabularyOf(tokenizer: TokenizerFile): Map<string, number> {
  return new Map(Object.entries(tokenizer.model.vocab).sort(([, a], [, b]) => a - b));
}
