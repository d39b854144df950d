import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decantConfigSchema } from '#pipeline/config/config-schema.ts';
import { type SweepSection, sweepSection } from '#pipeline/config/sections/sweep.ts';
import { trialSettings } from '#pipeline/sweep/draw-trials.ts';

test('lists give every combination, the last setting turning fastest', () => {
  const drawn = draw({ over: { layers: [1, 2], architecture: ['bag', 'bert'] } });
  assert.deepEqual(drawn, [
    { layers: 1, architecture: 'bag' },
    { layers: 1, architecture: 'bert' },
    { layers: 2, architecture: 'bag' },
    { layers: 2, architecture: 'bert' },
  ]);
});

test('trials draw combinations at random, each once, and more trials begin with the same', () => {
  const over = { layers: [1, 2, 3], hiddenSize: [32, 64, 96] };
  const [few, all] = [4, 100].map((trials) => draw({ over, trials, seed: 3 }, trials));
  assert.deepEqual(few, all?.slice(0, 4));
  assert.equal(all?.length, 9);
  assert.equal(new Set(all.map((one) => JSON.stringify(one))).size, 9);
  assert.notDeepEqual(all, draw({ over, trials: 100, seed: 4 }, 100));
  assert.notDeepEqual(all, draw({ over }, 100));
});

test('ranges give numbers between their ends: whole where the setting is, even over powers on a log scale', () => {
  const over = {
    learningRate: { from: 0.0001, to: 0.1, scale: 'log' },
    layers: { from: 1, to: 3 },
    dropout: { from: 0, to: 0.5 },
  };
  const drawn = draw({ over, trials: 300 }, 300);
  assert.equal(drawn.length, 300);
  const valuesOf = (name: string) => drawn.map((one) => Number(one[name]));
  const rates = valuesOf('learningRate');
  assert.ok(rates.every((rate) => rate >= 0.0001 && rate <= 0.1));
  assert.ok(rates.every((rate) => String(rate) === String(Number(rate.toPrecision(3)))));
  const below = rates.filter((rate) => rate < Math.sqrt(0.0001 * 0.1)).length;
  assert.ok(below > 110 && below < 190, `${below} of 300 lie below the middle of the scale`);
  assert.deepEqual(new Set(valuesOf('layers')), new Set([1, 2, 3]));
  assert.ok(valuesOf('dropout').every((share) => share >= 0 && share <= 0.5));
});

test('a range of whole numbers is drawn until it is used up', () => {
  const drawn = draw({ over: { layers: { from: 1, to: 4 } }, trials: 10 }, 10);
  assert.equal(drawn.length, 4);
  assert.deepEqual(new Set(drawn.map(({ layers }) => layers)), new Set([1, 2, 3, 4]));
});

test('a sweep over how texts are tokenised is refused with the reason', () => {
  for (const [setting, value] of [
    ['vocabulary', 'full'],
    ['longTexts', 'head-tail'],
  ] as const) {
    const { error } = sweepSection.safeParse({ over: { [setting]: [value] } });
    assert.match(
      error?.message ?? '',
      /belongs to student alone, .* set student\.(vocabulary|longTexts)/,
    );
  }
});

test('a sweep over what no variant has, or over values that it refuses, is refused with its path', () => {
  const over = { hidenSize: [64], layers: [0, 1], dropout: { from: 0.5, to: 0.1 }, steps: [] };
  const { error } = decantConfigSchema.safeParse({ ...minimal, sweep: { over } });
  const said = error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
  assert.match(said ?? '', /sweep\.over\.dropout/);
  assert.match(said ?? '', /sweep\.over\.steps/);
  const named = { hidenSize: [64], layers: [0, 1], learningRate: { from: -1, to: 1 } };
  const checked = decantConfigSchema.safeParse({ ...minimal, sweep: { over: named } });
  assert.deepEqual(
    checked.error?.issues.map(({ path }) => path.join('.')),
    ['sweep.over.hidenSize', 'sweep.over.layers', 'sweep.over.learningRate'],
  );
  assert.match(checked.error.issues[0]?.message ?? '', /did you mean hiddenSize\?/);
});

function draw(section: object, most = 1000): Readonly<Record<string, unknown>>[] {
  const checked: SweepSection = sweepSection.parse(section);
  const drawn: Readonly<Record<string, unknown>>[] = [];
  for (const settings of trialSettings(checked)) {
    if (drawn.length === most) break;
    drawn.push(settings);
  }
  return drawn;
}

const minimal = {
  corpus: { train: 'a.csv', validation: 'b.csv', test: 'c.csv' },
  teacher: { model: 'teacher' },
  variants: { distilled: {} },
};
