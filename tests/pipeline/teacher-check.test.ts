import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { assertRefused } from '#tests/support/cli-result.ts';
import { jsonLines } from '#tests/support/corpus-file.ts';
import { runCli } from '#tests/support/mini-project.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { smallProject } from '#tests/support/small-project.ts';

describe('decant teacher check', { concurrency: 2 }, () => {
  test('tells what the teacher is and how well it knows the validation rows', async () => {
    const project = smallProject();
    writeFileSync(
      project.path('teacher', 'README.md'),
      '---\nlanguage: en\nlicense: mit\n---\n# x\n',
    );
    const { code, stdout, stderr } = await project.decant('teacher', 'check', 'teacher');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /input_ids int64 \[batch, sequence\], attention_mask int64/);
    assert.match(stdout, /^classes +12: card_arrival, /m);
    assert.match(stdout, /WordPiece, 1,046 ids; the model knows 1,046$/m);
    assert.match(stdout, /^longest input +128 tokens; cut at 64 \(1 of 36 texts\)/m);
    assert.match(stdout, /^licence +mit \(README\.md\)/m);
    assert.match(stdout, /^accuracy +\d\d\.\d % of 36 labelled validation rows; .* 11\.1 %/m);
    assert.equal(stdout.trimEnd().split('\n').length, 9 + 1 + 2 + 8);
    assert.doesNotMatch(stderr, /warning/);
  });

  test('warns where the classes stand in another order', async () => {
    const project = smallProject();
    const path = project.path('teacher', 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8'));
    const names: string[] = Object.values(config.id2label);
    const turned = [...names.slice(1), ...names.slice(0, 1)];
    writeFileSync(
      path,
      JSON.stringify({ ...config, id2label: Object.fromEntries(turned.entries()) }),
    );
    const { code, stdout, stderr } = await project.decant('teacher', 'check', 'teacher', '--json');
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /warning: the teacher hardly knows this task: its accuracy is less than 5/,
    );
    const { skill, samples, warnings } = JSON.parse(stdout);
    assert.ok(skill.accuracy < 0.1 && skill.rows === 36);
    assert.equal(samples.length, 8);
    assert.equal(warnings.length, 1);
  });

  test('warns of one answer for all, and of more tokens than the model has positions', async () => {
    const project = smallProject({ teacher: { model: 'teacher', maxLength: 200 } });
    const weights = new Float32Array(1046 * 12).map((_, at) => (at % 12 === 3 ? 1000 : 0));
    const logits = bagTeacher({ weights, classCount: 12 });
    writeFileSync(project.path('teacher', 'onnx', 'model.onnx'), logits);
    const { code, stderr } = await project.decant('teacher', 'check', 'teacher');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: it says the same of every text/);
    assert.match(stderr, /warning: teacher\.maxLength is 200, the model has 128 positions/);
  });

  test('tells how well a teacher of several labels knows them, by what the model itself says', async () => {
    const project = smallProject({ task: 'multi-label', 'soft-label': {} });
    for (const name of ['validation.jsonl', 'test.jsonl', 'unlabelled.jsonl']) {
      const rows = readFileSync(project.path(name), 'utf8').trimEnd().split('\n');
      const labelled = rows.map((line) => {
        const row: { label?: string } = JSON.parse(line);
        return row.label === undefined ? row : { ...row, label: [row.label] };
      });
      writeFileSync(project.path(name), jsonLines(labelled));
    }
    const { code, stdout, stderr } = await project.decant('teacher', 'check', 'teacher', '--json');
    assert.equal(code, 0, stderr);
    const { skill } = JSON.parse(stdout);
    assert.equal(skill.rows, 36);
    assert.ok(skill.meanAveragePrecision > 0.8 && skill.microF1 > skill.sameLabelsF1, stdout);
  });

  test('loads ONNX Runtime in another process only', async () => {
    const project = smallProject();
    const script = project.path('watch.cjs');
    writeFileSync(
      script,
      `process.on('exit', () => {
        const objects = process.report.getReport().sharedObjects;
        const heavy = objects.filter((path) => /tensorflow|onnxruntime/i.test(path));
        require('node:fs').writeSync(2, '\\nHEAVY ' + JSON.stringify(heavy) + '\\n');
      });`,
    );
    const options = { NODE_OPTIONS: `--require ${JSON.stringify(script)}` };
    const { stderr } = await runCli(['teacher', 'check', 'teacher'], project.folder, options);
    assert.deepEqual(new Set(stderr.match(/HEAVY .*/g)), new Set(['HEAVY []']));
  });

  test('without a configuration shows sentences of its own', async () => {
    const { code, stdout } = await runCli(['teacher', 'check', 'teacher'], sampleFolder('mini'));
    assert.equal(code, 0);
    assert.match(stdout, /I love this, it works better than I hoped/);
    assert.match(stdout, /no labelled rows: run it where your decant\.yaml is/);
  });

  test('refuses a tokenizer with more ids than the model knows', async () => {
    const project = smallProject();
    const path = project.path('teacher', 'tokenizer.json');
    const tokenizer = JSON.parse(readFileSync(path, 'utf8'));
    tokenizer.model.vocab['one more'] = 1046;
    writeFileSync(path, JSON.stringify(tokenizer));
    const result = await project.decant('teacher', 'check', 'teacher');
    assertRefused(result, 3, /ids go up to 1046, but the model knows only 0 to 1045/);
  });

  test('refuses what is no model, no teacher, or of other classes', async () => {
    const project = smallProject();
    assertRefused(await project.decant('teacher', 'check', 'nowhere'), 3, /no such file or folder/);
    const config = project.path('teacher', 'config.json');
    const whole = JSON.parse(readFileSync(config, 'utf8'));
    writeFileSync(config, JSON.stringify({ ...whole, id2label: { 0: 'a', 1: 'b' } }));
    const classes = await project.decant('teacher', 'check', 'teacher');
    assertRefused(classes, 3, /gives 12 numbers a row .* has 2 classes/);
    writeFileSync(project.path('teacher', 'onnx', 'model.onnx'), 'no model at all');
    const broken = await project.decant('teacher', 'check', 'teacher');
    assertRefused(broken, 3, /not an ONNX model/);
  });
});
