import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { prepareCuda } from '#stages/onnx/cuda-provider.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';
import { smallProject } from '#tests/support/small-project.ts';
import { storeSnapshot } from '#tests/support/store-snapshot.ts';

const toSoftLabel = ['run', '--to', 'soft-label'] as const;

describe('a run that is refused', () => {
  let project: MiniProject;
  let computed: Record<string, string>;
  const store = () => project.path('.decant');
  const kept = new Map<string, Buffer>();

  before(async () => {
    project = smallProject();
    await succeed(project, ...toSoftLabel);
    computed = storeSnapshot(store());
  });

  afterEach(() => {
    for (const [file, content] of kept) writeFileSync(project.path(file), content);
    kept.clear();
    const now = storeSnapshot(store());
    const lost = Object.keys(computed).filter((path) => now[path] !== computed[path]);
    assert.deepEqual(lost, [], 'what was computed stays');
  });

  after(async () => {
    const { stderr } = await project.decant(...toSoftLabel);
    assert.match(stderr, /prepare +fresh\nsoft-label +fresh/, 'a correct run reuses everything');
  });

  /** Changes a file of the project until the test is over. */
  function change(file: string, content: (before: Buffer) => string | Uint8Array): void {
    const before = readFileSync(project.path(file));
    kept.set(file, before);
    writeFileSync(project.path(file), content(before));
  }

  function remove(file: string): void {
    kept.set(file, readFileSync(project.path(file)));
    rmSync(project.path(file));
  }

  const run = (...args: readonly string[]) => project.decant(...toSoftLabel, ...args);

  describe('because of the corpus', () => {
    test('names a file that is not there, and the setting', async () => {
      remove('unlabelled.jsonl');
      const missing = [/unlabelled\.jsonl: there is no such file/, /corpus\.train/];
      assertRefused(await run(), 3, ...missing);
      assertRefused(await project.decant('config', 'validate'), 3, ...missing);
    });

    test('names a folder that stands where a file should', async () => {
      assertRefused(
        await run('--set', 'corpus.test=teacher'),
        3,
        /teacher: is a folder/,
        /corpus\.test/,
      );
    });

    test('names a missing column and those that are there', async () => {
      change('labelled.csv', (text) => text.toString().replace('id,text', 'id,sentence'));
      assertRefused(
        await run(),
        3,
        /labelled\.csv: no column "text" \(columns: id, sentence, label\)/,
        /corpus\.columns\.text/,
      );
    });

    test('names a file without rows', async () => {
      change('labelled.csv', () => '');
      assertRefused(await run(), 3, /labelled\.csv: empty file/, /E_CORPUS_EMPTY/);
    });

    test('names a split without rows', async () => {
      change('test.jsonl', () => '\n');
      assertRefused(await run(), 3, /test\.jsonl: no test row/, /corpus\.test/);
    });

    test('names the row of a label that the teacher does not know, and the nearest class', async () => {
      change('labelled.csv', (text) => text.toString().replace(/,card_arrival$/m, ',card_arival'));
      assertRefused(
        await run(),
        3,
        /"card_arival" \(.*labelled\.csv line 2.*nearest class "card_arrival"\)/,
        /leave the label empty/,
      );
    });

    test('names the rows that are not UTF-8', async () => {
      change('labelled.csv', (bytes) => spoilLines(bytes, [3, 5, 9]));
      assertRefused(
        await run(),
        3,
        /labelled\.csv line 3, text: .*UTF-8/,
        /3 of \d+ rows/,
        /iconv/,
      );
    });

    test('names a file in another encoding', async () => {
      change('labelled.csv', (text) => Buffer.from(`\uFEFF${text.toString()}`, 'utf16le'));
      assertRefused(await run(), 3, /labelled\.csv: not UTF-8 at byte \d+/, /iconv/);
    });

    test('names a quote that is never closed', async () => {
      change('labelled.csv', (text) => `${text.toString()}x,"what,card_arrival\n`);
      assertRefused(await run(), 3, /labelled\.csv: row that begins on line 62/, /close the quote/);
    });

    test('names a broken line of JSON', async () => {
      const set = ['--set', 'corpus.maxRejects=0'];
      change('test.jsonl', (text) => `${text.toString()}{"text": "What\n`);
      assertRefused(await run(...set), 3, /test\.jsonl line 37/, /corpus\.maxRejects/);
    });
  });

  describe('because of the teacher', () => {
    const teacherFiles = [
      ['tokenizer.json', /teacher: has no tokenizer\.json/],
      ['config.json', /teacher: has no config\.json/],
      ['onnx/model.onnx', /teacher: has neither onnx\/model\.onnx nor model\.onnx/],
    ] as const;
    for (const [file, says] of teacherFiles) {
      test(`names its folder without ${file}`, async () => {
        remove(`teacher/${file}`);
        assertRefused(await run(), 3, says, /optimum/);
      });
    }

    test('names a folder that is not there', async () => {
      assertRefused(
        await run('--set', 'teacher.model=nowhere'),
        3,
        /nowhere: there is no such file or folder/,
        /teacher\.model/,
      );
    });

    test('names inputs that cannot be matched, and what there is', async () => {
      change('teacher/onnx/model.onnx', () =>
        bagTeacher({
          weights: new Float32Array(24),
          classCount: 12,
          inputs: ['pixel_values'],
          mask: false,
        }),
      );
      assertRefused(
        await run(),
        3,
        /the model wants pixel_values \(int64\[batch, sequence\]\)/,
        /Decant has input_ids, attention_mask, token_type_ids/,
      );
    });

    test('names both class counts when they differ', async () => {
      change('teacher/config.json', (text) =>
        text.toString().replace('"0":', '"12": "extra", "0":'),
      );
      assertRefused(await run(), 3, /gives 12 numbers a row.*has 13 classes/, /config\.json/);
    });

    const broken = {
      'is no model': () => 'This is no model.\n',
      'is empty': () => '',
      'was copied in half': (bytes: Buffer) => bytes.subarray(0, bytes.length / 2),
    };
    for (const [how, content] of Object.entries(broken)) {
      test(`names an ONNX file that ${how}`, async () => {
        change('teacher/onnx/model.onnx', content);
        assertRefused(await run(), 3, /model\.onnx: .*not an ONNX model|cannot load/, /whole/);
      });
    }

    test('names a config.json that is no JSON', async () => {
      change('teacher/config.json', () => '{');
      assertRefused(await run(), 3, /config\.json: /, /save_pretrained/);
    });

    test('names a tokenizer.json that is none', async () => {
      change('teacher/tokenizer.json', () => '{"version": "1.0"}');
      assertRefused(await run(), 3, /tokenizer\.json/);
    });
  });

  describe('because of CUDA', { skip: prepareCuda() === undefined && 'CUDA works here' }, () => {
    test('names what is missing for the teacher, and does not run it on the CPU', async () => {
      const args = ['--set', 'device=cuda', '--force', 'soft-label'];
      assertRefused(
        await run(...args),
        2,
        /device: cuda, but (the provider file|there is no NVIDIA driver|.*CUDA)/,
        /npx decant doctor/,
      );
    });

    test('names what is missing for the student', async () => {
      assertRefused(
        await project.decant('run', '--to', 'train-student', '--set', 'device=cuda'),
        2,
        /device: cuda, but /,
        /npx decant doctor|device: cpu/,
      );
    });
  });
});

/** Replaces a byte in each of some lines (the first is line 1) by one that UTF-8 never has. */
function spoilLines(bytes: Buffer, lines: readonly number[]): Buffer {
  const spoilt = Buffer.from(bytes);
  let line = 1;
  let start = 0;
  for (const [at, byte] of bytes.entries()) {
    if (at === start + 20 && lines.includes(line)) spoilt[at] = 0xff;
    if (byte === 0x0a) [line, start] = [line + 1, at + 1];
  }
  return spoilt;
}
