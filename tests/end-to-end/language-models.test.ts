import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import {
  characterTokenizer,
  countTrigrams,
  nextLogProbs,
  type TrigramModel,
  trigramGraph,
  writeTeacherFolder,
} from '#tests/support/language-models.ts';
import { writeMaskedLanguageModel } from '#tests/support/masked-language-model.ts';
import { type MiniProject, runCli } from '#tests/support/mini-project.ts';
import { sharedFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const shared = sharedFolder();
const skip = shared === undefined && 'no ../shared/data beside the checkout';

/** A folder with a text cut into splits and a decant.yaml. */
function languageProject(text: string, settings: object): MiniProject {
  const folder = temporaryFolder('decant language');
  const paragraphs = text.split(/\n{2,}/).filter((paragraph) => paragraph.trim() !== '');
  const [train, validation] = [0.8, 0.9].map((share) => Math.floor(share * paragraphs.length));
  const parts = {
    train: paragraphs.slice(0, train),
    validation: paragraphs.slice(train, validation),
    test: paragraphs.slice(validation),
  };
  for (const [split, part] of Object.entries(parts)) {
    writeFileSync(join(folder, `${split}.txt`), `${part.join('\n\n')}\n`);
  }
  writeFileSync(join(folder, 'decant.yaml'), stringify(settings));
  return {
    folder,
    decant: (...args) => runCli(args, folder),
    path: (...part) => join(folder, ...part),
  };
}

const files = { train: 'train.txt', validation: 'validation.txt', test: 'test.txt' };

interface Outcome {
  readonly models: readonly {
    readonly name: string;
    readonly metrics: {
      readonly figures: Readonly<Record<string, number>>;
      readonly agreement: number | null;
    };
  }[];
  readonly student: string;
  readonly report: string;
}

async function outcomeOf(project: MiniProject, ...args: string[]): Promise<Outcome> {
  return JSON.parse(await succeed(project, 'run', '--json', ...args));
}

/** Rows of an answer of `cache sql`. */
async function ask<Row>(project: MiniProject, query: string): Promise<Row[]> {
  const lines = await succeed(project, 'cache', 'sql', '--format', 'jsonl', query);
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line): Row => JSON.parse(line));
}

describe('a causal language model of characters, counted on Shakespeare', { skip }, () => {
  let project: MiniProject;
  let trigrams: TrigramModel;
  let outcome: Outcome;
  let ids: ReadonlyMap<string, number>;

  before(async () => {
    const all = readFileSync(join(shared ?? '', 'data', 'tinyshakespeare', 'input.txt'), 'utf8');
    const text = all.slice(0, 60_000);
    const characters = [...new Set(text)].sort();
    project = languageProject(text, {
      task: 'causal-lm',
      corpus: { ...files, textUnit: 'block' },
      teacher: { model: 'teacher', maxLength: 128 },
      'soft-label': { keep: 'all', temperatures: [1] },
      student: {
        layers: 1,
        hiddenSize: 32,
        heads: 2,
        steps: 30,
        batchSize: 4,
        learningRate: 0.01,
        temperature: 1,
      },
      variants: { 'gold-only': { softLossWeight: 0, hardLossWeight: 1 }, distilled: {} },
      gate: { perplexityVsTeacher: 0.01, gainOverGoldOnly: -1, agreement: 0.05 },
      export: { quantize: ['int8'] },
    });
    ids = new Map(['<unk>', ...characters].map((piece, id) => [piece, id]));
    const train = readFileSync(project.path('train.txt'), 'utf8');
    trigrams = countTrigrams([idsOf(train)], characters.length + 1);
    writeTeacherFolder(project.path('teacher'), {
      model: trigramGraph(trigrams),
      tokenizer: characterTokenizer(characters),
      config: { model_type: 'trigrams', vocab_size: characters.length + 1 },
    });
    outcome = await outcomeOf(project);
  });

  function idsOf(text: string): number[] {
    return Array.from(text, (character) => ids.get(character) ?? 0);
  }

  test('the cache says of every next character what the counts say', async () => {
    const texts = await ask<{ text: string }>(
      project,
      "select text from examples where split = 'test'",
    );
    let [sum, places] = [0, 0];
    for (const { text } of texts) {
      const tokens = idsOf(text);
      for (const [place, next] of tokens.slice(1).entries()) {
        sum -= nextLogProbs(trigrams, tokens, place)[next] ?? 0;
        places += 1;
      }
    }
    const [cached] = await ask<{ places: number; nll: number }>(
      project,
      "select count(*)::int as places, -avg(gold_log_prob) as nll from soft_labels where split = 'test'",
    );
    assert.equal(cached?.places, places);
    assert.ok(Math.abs((cached?.nll ?? 0) - sum / places) < 1e-6, `${cached?.nll} ${sum / places}`);
    // Worse than on the text that was counted, far better than nothing: log 62 is 4.1.
    assert.ok(sum / places > 1.5 && sum / places < 2.5, `${sum / places}`);
  });

  test('head, stats, info and verify know such a cache', async () => {
    const head = await succeed(project, 'cache', 'head', '--split', 'train');
    assert.match(head, /^text +at +gold +the teacher says/);
    assert.match(head, /^First Citizen:.*\s0 +i +i 0\.\d+/m);
    assert.equal(head.trimEnd().split('\n').length, 12);
    assert.match(await succeed(project, 'cache', 'stats'), /^train +[\d,]+ +[\d,]+ +\d+\.\d %/m);
    assert.match(await succeed(project, 'cache', 'info'), /^classes +6\d: <unk>, ·/m);
    assert.match(await succeed(project, 'cache', 'verify'), /all as sealed/);
  });

  test('students are measured by perplexity, and the distilled one leaves', async () => {
    const of = (name: string) => outcome.models.find((one) => one.name === name)?.metrics;
    const [teacher, distilled, goldOnly] = ['teacher', 'distilled', 'gold-only'].map(of);
    const perplexities = [teacher, distilled, goldOnly].map((one) => one?.figures['perplexity']);
    const [least = NaN, ours = NaN, ofText = NaN] = perplexities;
    // So few steps teach how frequent characters are; that a student learns more is tested elsewhere.
    assert.ok(least < Math.min(ours, ofText), perplexities.join(', '));
    assert.ok(Math.max(ours, ofText) < 40, perplexities.join(', '));
    assert.ok((distilled?.agreement ?? 0) > 0.1, `${distilled?.agreement}`);
    assert.equal(teacher?.agreement, null);
    const exported = outcome.student;
    const card = readFileSync(join(exported, 'README.md'), 'utf8');
    assert.match(card, /pipeline_tag: text-generation[^]*\| perplexity \| \d+/);
    assert.ok(!card.includes('## Classes') && card.length < 6000);
    assert.match(card, /\| file \| size \| perplexity, validation \| test \|/);
    assert.match(card, /Recommended: `onnx\/model\w*\.onnx`: .* perplexity on validation/);
    const int8 = of('distilled.int8')?.figures['perplexity'];
    assert.ok(int8 !== ours && Math.abs((int8 ?? NaN) - ours) < 1, `${int8}: 8 bits are measured`);
    const config = JSON.parse(readFileSync(join(exported, 'config.json'), 'utf8'));
    assert.deepEqual(config.architectures, ['GPT2LMHeadModel']);
    const page = readFileSync(outcome.report, 'utf8');
    assert.match(
      page,
      /The student has a perplexity of [\d.]+ \(teacher [\d.]+\) on the test tokens/,
    );
    assertRefused(
      await project.decant('predict', '--student', exported),
      3,
      /GPT2LMHeadModel says which token is likely/,
    );
  });

  test('new text is all that a second run asks about', async () => {
    appendFileSync(project.path('validation.txt'), '\n\nA new speech, and not a long one.\n');
    const { code, stderr } = await project.decant('run', '--to', 'soft-label');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /soft-label +done: [\d,]+ reused, [12] new, [01] gone/);
  });

  test('what a language model has nothing for is refused by name', async () => {
    const settings = [
      'variants.small.architecture=bag',
      'student.vocabulary=trimmed',
      'student.maxLength=64',
      'corpus.maskShare=0.2',
    ];
    assertRefused(
      await project.decant('run', ...settings.flatMap((setting) => ['--set', setting])),
      2,
      /variants\.small\.architecture: students of causal-lm are gpt2/,
      /student\.vocabulary: .*its whole vocabulary/,
      /student\.maxLength: .*set 128/,
      /corpus\.maskShare: belongs to task: masked-lm/,
    );
    assertRefused(
      await project.decant('run', '--set', 'task=sequence-to-sequence'),
      2,
      /variants\.distilled: students of an encoder-decoder are not built/,
    );
    assertRefused(
      await project.decant('labels', 'ask'),
      2,
      /rows that have one class; task is causal-lm/,
    );
  });
});

test('a masked language model of 30,522 pieces is asked about Moby-Dick', { skip }, async () => {
  const all = readFileSync(join(shared ?? '', 'data', 'moby-dick', 'moby-dick.txt'), 'utf8');
  const project = languageProject(all.slice(60_000, 70_000), {
    task: 'masked-lm',
    corpus: files,
    teacher: { model: 'teacher', maxLength: 64 },
    'soft-label': { topK: 32, temperatures: [1], tokenBudget: 512 },
    student: { layers: 1, hiddenSize: 16, heads: 1, batchSize: 8, steps: 2, temperature: 1 },
    variants: { small: { architecture: 'bert' } },
  });
  writeMaskedLanguageModel(project.path('teacher'));
  // Without evaluate:teacher, which times the logits of every token for half a minute.
  const { student } = await outcomeOf(project, '--to', 'export-student');
  const [{ rows, examples, known } = { rows: 0, examples: 0, known: 0 }] = await ask<{
    rows: number;
    examples: number;
    known: number;
  }>(
    project,
    'select count(*)::int as rows, count(distinct example_id)::int as examples, count(gold_label)::int as known from soft_labels',
  );
  assert.ok(rows > 2 * examples && examples > 10, `${rows} rows of ${examples} examples`);
  assert.equal(known, rows);
  const checked = await succeed(project, 'cache', 'verify', '--against-teacher', '--sample', '0.2');
  assert.match(checked, /another best class +0 rows/);
  const config = JSON.parse(readFileSync(join(student, 'config.json'), 'utf8'));
  assert.deepEqual(
    [config.architectures, config.vocab_size, config.id2label],
    [['BertForMaskedLM'], 30_522, undefined],
  );
});
