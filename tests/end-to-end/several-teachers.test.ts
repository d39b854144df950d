import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { randomFor } from '#stages/numerics/random.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { assertRefused, succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';

const project = smallProject();
const allRows = 172;
const names = JSON.parse(readFileSync(project.path('labels.json'), 'utf8')) as string[];

/** A copy of the teacher with random weights; `turned`: the same, its classes in another order. */
function addTeacher(name: string, turned: boolean): void {
  cpSync(project.path('teacher'), project.path(name), { recursive: true });
  const order = names.map((_, id) => (turned ? names.length - 1 - id : id));
  const random = randomFor(3, 'bag-teacher');
  const rows = Array.from({ length: VOCABULARY }, () => names.map(() => random() - 0.5));
  const weights = Float32Array.from(rows.flatMap((row) => order.map((id) => row[id] ?? 0)));
  const model = bagTeacher({ weights, classCount: names.length });
  writeFileSync(project.path(name, 'onnx', 'model.onnx'), model);
  const id2label = Object.fromEntries(order.map((from, id) => [id, names[from]]));
  writeFileSync(project.path(name, 'config.json'), JSON.stringify({ id2label }));
}

function configure(settings: Readonly<Record<string, unknown>>): void {
  const config = { ...miniConfig, ...smallConfig, ...settings };
  writeFileSync(project.path('decant.yaml'), stringify(config));
}

/** Stages that the last run made, each with the rows that met a teacher. */
function made(): Record<string, number> {
  const stages = Object.entries(lastRun(project).stages);
  return Object.fromEntries(
    stages.flatMap(([name, { status, result }]) =>
      status === 'fresh' ? [] : [[name, result?.counts['teacherRows'] ?? 0]],
    ),
  );
}

async function sql(query: string): Promise<Record<string, unknown>[]> {
  return JSON.parse(await succeed(project, 'cache', 'sql', '--format', 'json', query)) as Record<
    string,
    unknown
  >[];
}

/** What `estimate` says of a teacher, and of all of them. */
interface Costs {
  readonly name?: string;
  readonly teacherRows: number;
  readonly hours: number;
  readonly bytes: number;
}

describe('several teachers', () => {
  before(async () => {
    addTeacher('bag', false);
    addTeacher('turned', true);
    await succeed(project, 'run', '--to', 'train-student', '--quiet');
    assert.equal(made()['soft-label'], allRows);
  });

  test('only one that is added is asked, and the students learn anew', async () => {
    configure({ teachers: { bag: { model: 'bag' } } });
    const dry = JSON.parse(await succeed(project, 'run', '--dry-run', '--json')) as {
      stages: { stage: string; would: string; teacherRows?: number }[];
    };
    const asked = dry.stages.filter(({ stage }) => stage.startsWith('soft-label'));
    assert.deepEqual(
      asked.map(({ stage, would, teacherRows }) => [stage, would, teacherRows]),
      [
        ['soft-label', 'keep', undefined],
        ['soft-label:bag', 'run', allRows],
      ],
    );
    const said = await succeed(project, 'estimate', '--seconds', '0.2', '--json');
    const { teachers, ...sum } = JSON.parse(said) as Costs & { teachers: Costs[] };
    assert.deepEqual(
      teachers.map(({ name, teacherRows }) => [name, teacherRows]),
      [
        ['teacher', 0],
        ['bag', allRows],
      ],
    );
    for (const figure of ['teacherRows', 'hours', 'bytes'] as const) {
      const total = teachers.reduce((all, one) => all + one[figure], 0);
      assert.equal(sum[figure], total, figure);
    }
    assert.ok(teachers.every(({ bytes }) => bytes > 1000) && sum.hours > 0);
    await succeed(project, 'run', '--quiet');
    const { 'soft-label:bag': bag, ...others } = made();
    assert.equal(bag, allRows);
    assert.deepEqual(Object.keys(others).sort(), [
      'evaluate:bag',
      'evaluate:distilled',
      'evaluate:teacher',
      'export-student:distilled',
      'report',
      'train-student:distilled',
    ]);
    assert.equal(
      JSON.parse(await succeed(project, 'status', '--json', '--check')).schemaVersion,
      1,
    );
  });

  test('the report and the outcome show each of them', async () => {
    const { models, report } = JSON.parse(await succeed(project, 'run', '--json', '--quiet')) as {
      models: { name: string }[];
      report: string;
    };
    assert.deepEqual(models.map(({ name }) => name).sort(), ['bag', 'distilled', 'teacher']);
    assert.match(readFileSync(report, 'utf8'), /<\/span>bag<\/th>/);
  });

  test('another weight or another way to mix asks none and trains anew', async () => {
    for (const setting of ['teachers.bag.weight=3', 'student.mix=confidence']) {
      const args = ['--to', 'train-student', '--set', setting];
      await succeed(project, 'run', '--quiet', ...args);
      assert.deepEqual(made(), { 'train-student:distilled': 0 });
    }
  });

  test('a variant may name those that it learns from', async () => {
    configure({
      teachers: { bag: { model: 'bag' } },
      variants: { distilled: {}, main: { teachers: ['teacher'] }, bag2: { teachers: ['bag'] } },
    });
    await succeed(project, 'run', '--to', 'train-student', '--quiet');
    assert.deepEqual(Object.keys(made()).sort(), ['train-student:bag2', 'train-student:main']);
    const args = ['run', '--set', 'variants.main.teachers=["bug"]'];
    assertRefused(await project.decant(...args), 2, /no teacher "bug"; did you mean bag/);
  });

  test('names map the classes of one to those of the first', async () => {
    configure({ teachers: { bag: { model: 'bag' }, turned: { model: 'turned' } } });
    await succeed(project, 'run', '--to', 'soft-label', '--quiet');
    assert.deepEqual(made(), { 'soft-label:turned': allRows });
    const labels = (view: string) =>
      sql(`select example_id, top_names, list_transform(top_logits, lambda z: round(z, 3)) as logits,
        round(log_sum_exp_t2, 3) as lse, gold_label from ${view} order by example_id`);
    const [bag, turned] = [await labels('soft_labels_bag'), await labels('soft_labels_turned')];
    assert.equal(bag.length, allRows);
    assert.deepEqual(turned, bag);
    assert.notDeepEqual(await labels('soft_labels'), bag);
    const args = [
      '--against-teacher',
      '--teacher',
      'turned',
      '--sample',
      '10%',
      '--threshold',
      '1e-4',
    ];
    assert.match(await succeed(project, 'cache', 'verify', ...args), /soft-label:turned/);
  });

  test('the commands of the cache tell them apart', async () => {
    const listed = JSON.parse(await succeed(project, 'cache', 'ls', '--json')) as {
      caches: { teacher: string; state: string; fingerprint: string }[];
    };
    assert.deepEqual(
      listed.caches.map(({ teacher, state }) => [teacher, state]),
      [
        ['teacher', 'fresh'],
        ['bag', 'fresh'],
        ['turned', 'fresh'],
      ],
    );
    const fingerprints = listed.caches.map(({ fingerprint }) => fingerprint);
    for (const [index, teacher] of ['teacher', 'bag', 'turned'].entries()) {
      const fingerprint = fingerprints[index] ?? '';
      const said = await succeed(project, 'cache', 'info', '--teacher', teacher);
      assert.ok(said.includes(fingerprint));
      assert.equal(await succeed(project, 'cache', 'info', fingerprint.slice(0, 12)), said);
    }
    const head = (...args: string[]) => succeed(project, 'cache', 'head', '-n', '3', ...args);
    assert.notEqual(await head('--teacher', 'bag'), await head());
    const unknown = await project.decant('cache', 'stats', '--teacher', 'bug');
    assertRefused(unknown, 2, /no teacher "bug"/, /teacher, bag, turned/);
  });

  test('gc keeps what they all said, and a forgotten row is forgotten by all', async () => {
    const gc = ['cache', 'gc', '--dry-run', '--json', '--keep', '0', '--older-than', '0s'];
    assert.doesNotMatch(await succeed(project, ...gc), /soft-label/);
    const [{ example_id: id = '' } = {}] = await sql(
      "select example_id from soft_labels_bag where split = 'train' limit 1",
    );
    writeFileSync(project.path('ids.txt'), `${String(id)}\n`);
    await succeed(project, 'forget', '--ids', 'ids.txt');
    await succeed(project, 'run', '--to', 'soft-label', '--quiet');
    assert.deepEqual(made()['soft-label:bag'] ?? 0, 0);
    for (const view of ['soft_labels', 'soft_labels_bag', 'soft_labels_turned']) {
      assert.deepEqual(await sql(`select count(*) as n from ${view}`), [{ n: allRows - 1 }]);
    }
  });

  test('what cannot stand beside the first one is refused by name', async () => {
    const refused = async (teachers: object, ...says: readonly RegExp[]) => {
      configure({ teachers });
      assertRefused(await project.decant('status'), 2, ...says);
    };
    await refused({ distilled: { model: 'bag' } }, /teachers\.distilled: a variant has this name/);
    addTeacher('foreign', false);
    const config = project.path('foreign', 'config.json');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('card_arrival', 'card_departure'));
    await refused({ foreign: { model: 'foreign' } }, /class "card_departure" is none of teacher/);
    writeFileSync(config, '{}');
    await refused({ foreign: { model: 'foreign' } }, /numbers only/, /id2label/);
    writeFileSync(config, text);
    const tokenizer = project.path('foreign', 'tokenizer.json');
    const json = JSON.parse(readFileSync(tokenizer, 'utf8')) as Record<string, unknown>;
    writeFileSync(tokenizer, JSON.stringify({ ...json, normalizer: null }));
    await refused({ foreign: { model: 'foreign' } }, /tokenizer\.json differs/);
    // What a fast tokenizer left of its last call is no difference.
    writeFileSync(tokenizer, JSON.stringify({ ...json, padding: { pad_id: 0 } }));
    configure({ teachers: { foreign: { model: 'foreign' } } });
    await succeed(project, 'status');
  });
});

/** Word pieces of the mini teacher. */
const VOCABULARY = 1046;
