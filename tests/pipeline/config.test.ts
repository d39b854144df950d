import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { configAsYaml, configJsonSchema, loadConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();

function load(text: string, rest: { set?: string[]; environment?: Record<string, string> } = {}) {
  const file = join(folder, 'decant.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, set: rest.set ?? [], environment: rest.environment ?? {} });
}

function problemsOf(text: string, rest: Parameters<typeof load>[1] = {}): string {
  try {
    load(text, rest);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('no problem found');
}

const mini = stringify(miniConfig);

test('defaults < file < environment < flags, and each value knows where it is from', () => {
  const loaded = load(mini, {
    environment: { DECANT_TEACHER__MAX_LENGTH: '32', DECANT_SOFT_LABEL__TOPK: '5', PATH: '/bin' },
    set: ['soft-label.topK=7', 'variants.distilled.temperature=4'],
  });
  assert.equal(loaded.config.teacher.maxLength, 32);
  assert.equal(loaded.config['soft-label'].topK, 7);
  assert.equal(loaded.config.variants['distilled']?.temperature, 4);
  const shown = configAsYaml(loaded, { origins: true });
  assert.match(shown, /^teacher\.maxLength: 32 {2}# environment$/m);
  assert.match(shown, /^soft-label\.topK: 7 {2}# flag$/m);
  assert.match(shown, /^teacher\.model: "teacher" {2}# file$/m);
  assert.match(shown, /^device: "auto" {2}# default$/m);
});

test('the printed configuration is a valid one with the same meaning', () => {
  const loaded = load(mini);
  const again = load(configAsYaml(loaded, { origins: false }));
  assert.deepEqual(again.config, loaded.config);
});

test('all problems are reported at once, with path and nearest known key', () => {
  const message = problemsOf(
    mini.replace('maxLength: 64', 'maxLenght: 64').replace('topK: 3', 'topK: many') +
      'devise: cpu\n',
  );
  assert.match(message, /3 problems/);
  assert.match(message, /teacher\.maxLenght: unknown setting; did you mean maxLength\?/);
  assert.match(message, /soft-label\.topK: .*expected number/);
  assert.match(message, /devise: unknown setting; did you mean device\?/);
});

test('an unknown DECANT_ variable is refused with the nearest one', () => {
  const environment = { DECANT_TEACHER__MAXLENGHT: '3' };
  assert.match(problemsOf(mini, { environment }), /did you mean DECANT_TEACHER__MAX_LENGTH\?/);
});

test('attacks are refused with a sentence', () => {
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${['b', 'c', 'd', 'e', 'f', 'g']
    .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[index]}`).join(', ')}]`)
    .join('\n')}\n`;
  assert.match(problemsOf(bomb), /alias/i);
  assert.match(problemsOf(`${mini}device: cpu\ndevice: cuda\n`), /unique/i);
  assert.match(problemsOf(`${mini}__proto__: { polluted: true }\n`), /__proto__/);
  assert.match(problemsOf(mini, { set: ['__proto__.polluted=true'] }), /__proto__/);
  assert.match(problemsOf(mini, { set: ['constructor.prototype.polluted=true'] }), /constructor/);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  const escaping = stringify({ ...miniConfig, variants: { '../../x': {} } });
  assert.match(problemsOf(escaping), /variants/);
  assert.match(problemsOf('just text'), /no mapping/);
  assert.match(problemsOf('a: [1, 2'), /line 1/);
});

test('no, on and 1e3 mean what YAML 1.2 says', () => {
  assert.match(problemsOf(`${mini}threads: no\n`), /threads/);
  assert.equal(load(mini.replace('steps: 60', 'steps: 1e3')).config.student.steps, 1000);
  assert.match(problemsOf(mini.replace('steps: 60', 'steps: .nan')), /student\.steps/);
});

test('every setting has a description', () => {
  const undescribed: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    const { properties, description } = schema as { properties?: object; description?: string };
    if (path !== '' && description === undefined) undescribed.push(path);
    for (const [key, nested] of Object.entries(properties ?? {})) walk(nested, `${path}.${key}`);
  };
  walk(configJsonSchema(), '');
  assert.deepEqual(undescribed, []);
});

test('a teacher is a model, answers or embeddings; what does not go together is named with the way out', () => {
  const withTeacher = (teacher: object) => stringify({ ...miniConfig, teacher });
  const answers = { answers: 'answers.jsonl', tokenizer: 'teacher' };
  assert.equal(load(withTeacher(answers)).config.teacher.answers, 'answers.jsonl');
  assert.equal(load(withTeacher({ embeddings: 'e', head: 'fit' })).config.teacher.head, 'fit');
  const refused: readonly (readonly [teacher: object, says: RegExp])[] = [
    [{}, /teacher: it has none of model, answers, embeddings\. Write model: DIR.*head: fit/],
    [{ ...answers, model: 'x' }, /teacher\.answers: stands beside model; keep one of them/],
    [
      { ...answers, head: 'fit' },
      /teacher\.head: belongs to embeddings, but the teacher is answers/,
    ],
    [{ model: 'x', missing: 'skip' }, /teacher\.missing: belongs to answers/],
    [{ model: 'x', tokenizer: 'y' }, /teacher\.tokenizer: belongs to answers/],
    [{ answers: 'a.jsonl' }, /teacher\.tokenizer: answers bring no tokenizer/],
    [
      { embeddings: 'e', head: 'fit', output: 'scores' },
      /teacher\.output: belongs to model, but the teacher is embeddings/,
    ],
    [{ embeddings: 'e' }, /teacher\.embeddings: needs head: fit/],
    [{ embeddings: 'e', head: 'linear' }, /teacher\.head: .*fit/],
  ];
  for (const [teacher, says] of refused) assert.match(problemsOf(withTeacher(teacher)), says);
  const further = stringify({ ...miniConfig, teachers: { b: { model: 'x', smoothing: 0.2 } } });
  assert.match(problemsOf(further), /teachers\.b\.smoothing: belongs to answers/);
  const graphless = { b: { answers: 'a.jsonl', hidden: ['bag'] } };
  assert.match(
    problemsOf(stringify({ ...miniConfig, teachers: graphless })),
    /teachers\.b\.hidden: belongs to model or embeddings, but the teacher is answers/,
  );
});

test('relative paths are relative to the file', () => {
  assert.equal(load(mini).folder, folder);
  assert.deepEqual(parse(mini).teacher.model, 'teacher');
});

test('decant.schema.json is what the schema says; renew it with `decant config schema`', () => {
  const stored: unknown = JSON.parse(readFileSync(join(repository, 'decant.schema.json'), 'utf8'));
  assert.deepEqual(stored, JSON.parse(JSON.stringify(configJsonSchema())));
});
