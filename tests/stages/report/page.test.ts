import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChosenPoint } from '#datasets/operating-point.ts';
import { reportPage } from '#stages/report/page.ts';
import type { ReportData } from '#stages/report/report-data.ts';
import { headlineSentence } from '#stages/report/sections/headline.ts';
import { reportFixture } from './report-fixture.ts';
import { richFixture } from './rich-fixture.ts';

test('the first sentence says what was bought for what', () => {
  assert.equal(
    headlineSentence(reportFixture()).replaceAll('\u202F', ' '),
    'The student keeps 98.3 % of the teacher\u2019s accuracy with 2.9 % of its parameters, +4.0 points over gold labels only.',
  );
});

test('a loss against the baseline is told with a minus sign', () => {
  const data = reportFixture();
  const worse = { ...data, headline: data.models[1] ?? data.headline, baseline: data.headline };
  assert.match(
    headlineSentence(worse),
    /, \u22124\.0 points over gold labels only \(distilled\)\.$/,
  );
});

test('without teacher and baseline the sentence stands on its own', () => {
  const data = { ...reportFixture(), teacher: null, baseline: null };
  assert.match(
    headlineSentence(data),
    /^The student classifies 89\.5.% of the test rows correctly\.$/,
  );
});

test('the page is one file: no script, nothing loaded, and a policy that says so', () => {
  const page = reportPage(reportFixture());
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|<object|<embed|\bon\w+=|javascript:/i);
  assert.doesNotMatch(page, /(?:src|href|url)\s*[=(]/i);
  assert.match(page, /default-src &#39;none&#39;|default-src 'none'/);
});

test('what to deploy and how often it abstains are told where they were asked for', () => {
  const data = reportFixture();
  assert.doesNotMatch(reportPage(data), /Putting it to use/);
  const figures = { goal: 'precision >= 0.95', rows: 993, answered: 731, right: 695 };
  const point: ChosenPoint = {
    formatVersion: 1,
    temperature: 1.25,
    threshold: 0.8,
    thresholds: {},
    rowsForOwn: 20,
    sharing: ['a', 'b'],
    validation: figures,
  };
  const recommended = { file: 'onnx/model_quantized.onnx', because: 'the smallest <that does>' };
  const test = { ...figures, rows: 3079, answered: 2402, right: 2291 };
  const { metrics } = data.headline;
  const headline = { ...data.headline, metrics: { ...metrics, operatingPoint: test } };
  const int8 = { ...metrics, name: 'distilled.int8', operatingPoint: { ...test, right: 2282 } };
  const models = [headline, { ...headline, metrics: int8 }];
  const page = reportPage({ ...data, headline, models, deployed: { point, recommended } });
  assert.match(
    page,
    /<code>onnx\/model_quantized\.onnx<\/code>, the smallest &#60;that does&#62;\./,
  );
  const plain = page.replaceAll('\u202F', ' ').replaceAll(/<[^>]*>/g, '|');
  assert.match(plain, /2 classes that were named on fewer than 20 validation rows/);
  assert.match(plain, /validation\|+993\|+73\.6 %\|+95\.1 %/);
  assert.match(plain, /test\|+3,079\|+78\.0 %\|+95\.4 %/);
  assert.match(plain, /test, distilled\.int8\|+3,079\|+78\.0 %\|+95\.0 %/);
});

test('every figure of the table stands in the page', () => {
  const page = reportPage(reportFixture());
  for (const figure of [
    '91.1',
    '89.5',
    '85.5',
    '90.7',
    '661',
    '22.8',
    '9.64',
    '\u22650.375',
    '4,214',
    '8,954',
  ]) {
    assert.ok(page.includes(figure), figure);
  }
});

test('seeds, slices, changed texts and features each have a table, and means stand in the first one', () => {
  const page = reportPage(richFixture());
  const rowOf = (table: string, first: string) => {
    const part = page.slice(page.indexOf(`aria-label="${table}"`));
    const row = new RegExp(`<tr[^>]*><th[^>]*>(?:<span[^>]*></span>)?${first}.*?</tr>`, 's').exec(
      part,
    );
    return (row?.[0] ?? '')
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/[\s\u202F]+/g, ' ')
      .trim();
  };
  assert.match(
    rowOf('Results', 'distilled'),
    /^distilled 89\.4 \u00B1 0\.3 90\.6 \u00B1 0\.3 89\.2 \u00B1 0\.3 92\.4/,
  );
  assert.match(rowOf('Results', 'relabelled'), /^relabelled 89\.6 88\.5\u201390\.6/);
  assert.match(
    rowOf('Mean and spread over seeds', 'distilled'),
    /^distilled accuracy 3 89\.4 % 0\.3 % 89\.1 % 89\.6 %$/,
  );
  const seeded = page.slice(page.indexOf('aria-label="Mean and spread over seeds"'));
  const told = seeded.replaceAll(/<[^>]+>/g, ' ').replaceAll(/[\s\u202F]+/g, ' ');
  assert.match(told, /distilled accuracy language\.de 3 86\.9 % /);
  assert.match(told, /distilled macro-F1 typos 3 81\.9 % /);
  assert.match(told, /distilled linear CKA layer\.3 3 0\.699 /);
  assert.match(rowOf('By language', 'de'), /^de 900 89\.1 % 83\.5 % 87\.5 % 87\.6 %$/);
  assert.match(rowOf('Changed texts', 'distilled'), /^distilled typos 3,071 84\.5 % 5\.0 %$/);
  assert.match(
    rowOf('Features beside the teacher\u2019s', 'distilled'),
    /^distilled 2,000 0\.812 0\.710$/,
  );
  assert.doesNotMatch(page, /recall\.card_arrival|f1\.slice|slice\.a|distilled\.seed2/);
  assert.match(
    headlineSentence(richFixture()).replaceAll('\u202F', ' '),
    /keeps 98\.2 % .*, in the mean of 3 seeds\.$/,
  );
});

test('models of one size stand at one place of the axis', () => {
  const page = reportPage(reportFixture());
  const bySize = page.slice(page.indexOf('Accuracy against size'));
  const places = [...bySize.matchAll(/<circle class="dot solid[^"]*" cx="([\d.]+)"/g)].slice(0, 4);
  const [teacher, ...students] = places.map(([, cx]) => cx);
  assert.equal(new Set(students).size, 1);
  assert.ok(Number(teacher) > Number(students[0]));
});

test('every id is given once', () => {
  const ids = [...reportPage(reportFixture()).matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length > 10);
});

test('no coordinate is NaN or infinite, also with one point, no rows and equal values', () => {
  const data = reportFixture();
  const flat: ReportData = {
    ...data,
    models: data.models.map((model) => ({
      ...model,
      metrics: { ...model.metrics, accuracy: 1, accuracyInterval: [1, 1], parameters: null },
      timings: null,
    })),
    curves: data.curves.map((curve) => ({
      ...curve,
      loss: [],
      validation: { figure: 'accuracy', points: [{ x: 5, y: 0.5 }] },
    })),
    cache: { ...data.cache, entropyNats: [], confidence: [] },
    relabelling: null,
    mistakes: [],
  };
  for (const page of [reportPage(data), reportPage(flat)]) {
    assert.doesNotMatch(page, /NaN|Infinity|undefined|\[object/);
  }
});

test('whatever stands in names, texts and settings stays text', () => {
  const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>\u001B]0;owned\u0007\u202Egnp`;
  const page = reportPage(poisoned(reportFixture(), evil) as ReportData);
  for (const live of ['<script', '<img', '\u001B', '\u0007', '\u202E']) {
    assert.ok(!page.includes(live), live);
  }
  assert.ok(page.includes('&#60;script&#62;alert(1)'));
  assert.ok(page.includes('\u241B]0;owned\u2407[U+202E]gnp'));
});

/** The same value with every text in it replaced. */
function poisoned(value: unknown, text: string): unknown {
  if (typeof value === 'string') return text;
  if (Array.isArray(value)) return value.map((item) => poisoned(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, poisoned(item, text)]),
  );
}

test('the controls of a relabelled student say whether its labels helped', () => {
  const data = reportFixture();
  const relabelled = data.models.at(-1) ?? assert.fail();
  const control = (suffix: string, accuracy: number) => ({
    ...relabelled,
    metrics: { ...relabelled.metrics, name: `${relabelled.metrics.name}${suffix}`, accuracy },
  });
  const { accuracy } = relabelled.metrics;
  const pageWith = (unchanged: number) => {
    const controls = [control('.unchanged', unchanged), control('.random', accuracy - 0.2)];
    return reportPage({ ...data, models: [...data.models, ...controls] }).replaceAll('\u202f', ' ');
  };
  assert.match(pageWith(accuracy - 0.05), /Relabelling brought \+5\.0 points\./);
  assert.match(pageWith(accuracy + 0.001), /-0\.1 points, which is within the interval/);
  assert.doesNotMatch(reportPage(data), /Whether it helped/);
});
