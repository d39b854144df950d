import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decant } from '#tests/support/decant-in.ts';
import { bankQuestions } from '#tests/support/language-model-runs.ts';
import { lexicalLogProbs } from '#tests/support/lexical-model.ts';
import { wordsOf, writeLexicalTeacher } from '#tests/support/lexical-teacher.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** Bank questions and the words of their intent: 60 to learn from, 40 to look at. */
const questions = bankQuestions(100);
const folder = temporaryFolder('decant-targets');

function said(...args: readonly string[]): string {
  const { status, stdout, stderr } = decant(folder, args);
  assert.equal(status, 0, `decant ${args.join(' ')}: ${stderr}`);
  return stdout;
}

test('an encoder-decoder is estimated, asked once, and asked again, by the command line alone', () => {
  const splits = { train: [0, 60], validation: [60, 80], test: [80, 100] } as const;
  for (const [split, [from, end]] of Object.entries(splits)) {
    const rows = questions.slice(from, end).map((row) => JSON.stringify(row));
    writeFileSync(join(folder, `${split}.jsonl`), `${rows.join('\n')}\n`);
  }
  const teacher = join(folder, 'teacher');
  const { fitted } = writeLexicalTeacher(teacher, questions.slice(0, 60), questions);
  writeFileSync(
    join(folder, 'decant.yaml'),
    `
task: sequence-to-sequence
corpus: { train: train.jsonl, validation: validation.jsonl, test: test.jsonl }
teacher: { model: teacher, maxLength: 64 }
soft-label: { topK: 5, temperatures: [1] }
device: cpu
`,
  );
  const answers = questions.reduce((sum, { target }) => sum + wordsOf(target).length + 1, 0);

  const estimate = JSON.parse(said('estimate', '--seconds', '0.1', '--json'));
  assert.equal(estimate.teacherRows, questions.length);
  // Five classes with their logits and two sums: no answer takes less than that, packed or not.
  assert.ok(estimate.bytes > 20 * answers, `${estimate.bytes} bytes for ${answers} answers`);

  said('run', '--quiet');
  const query = `select count(*)::int as answers, count(gold_label)::int as right,
    -sum(gold_log_prob) filter (split = 'test' and gold_kept) as nats from soft_labels`;
  const [found] = JSON.parse(said('cache', 'sql', '--format', 'json', query));
  assert.deepEqual([found.answers, found.right], [answers, answers]);
  assert.ok(Math.abs(found.nats - natsOfTest()) < 1e-3, `${found.nats} ${natsOfTest()}`);

  const again = said('cache', 'verify', '--against-teacher', '--sample', '50%');
  assert.match(again, /another best class +0 rows/);

  /** What the fitted counts say of the right words of the test targets that are among the best five. */
  function natsOfTest(): number {
    const { model } = JSON.parse(readFileSync(join(teacher, 'tokenizer.json'), 'utf8'));
    const ids = (text: string) => [...wordsOf(text).map((word): number => model.vocab[word]), 1];
    return questions.slice(80).reduce((total, { text, target }) => {
      const [source, wanted] = [ids(text), ids(target)];
      return wanted.reduce((sum, word, place) => {
        const logProbs = lexicalLogProbs(fitted, source, wanted[place - 1] ?? 0);
        const own = logProbs[word] ?? Number.NaN;
        const better = logProbs.filter((other) => other > own).length;
        return better < 5 ? sum - own : sum;
      }, total);
    }, 0);
  }
});
