import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { checkedConfig } from '#pipeline/config/config.ts';
import { exportedVariant, goldOnlyVariant, variantOrder } from '#pipeline/config/variants.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniConfig, miniProject } from '#tests/support/mini-project.ts';

const gold = { softLossWeight: 0, hardLossWeight: 1 };
const relabel = { student: 'distilled', policy: 'fill-unlabelled' };

test('a student whose soft loss is switched off for all is not the one that is exported', () => {
  const student = { ...miniConfig.student, softLossWeight: 0 };
  const variants = { plain: {}, distilled: { softLossWeight: 0.9 } };
  assert.equal(roles({ student, variants }).exported, 'distilled');
  assert.equal(roles({ student, variants }).goldOnly, 'plain');
});

test('gold labels alone are those that nothing of a teacher reaches', () => {
  const of = (variants: object) => roles({ variants: { distilled: {}, ...variants } }).goldOnly;
  assert.equal(of({}), undefined);
  assert.equal(of({ plain: gold }), 'plain');
  assert.equal(of({ plain: gold, 'gold-only': gold }), 'gold-only');
  // A name is no proof.
  assert.equal(of({ 'gold-only': { softLossWeight: 0.5 }, plain: gold }), 'plain');
  assert.equal(of({ relabelled: { ...gold, labels: 'hard-relabel' } }), undefined);
  assert.equal(of({ further: { ...gold, initFrom: 'distilled' } }), undefined);
  const moving = { kind: 'linear', from: 0, to: 0.5 };
  assert.equal(of({ plain: { softLossWeight: moving, hardLossWeight: 1 } }), undefined);
  const longer = { plain: gold, further: { ...gold, initFrom: 'plain' } };
  assert.equal(roles({ variants: { distilled: {}, ...longer } }).goldOnly, 'plain');
});

test('of architecture: auto the chosen student is meant, and the report is told whom', () => {
  const variants = { distilled: {}, base: { ...gold, architecture: 'auto' } };
  assert.equal(roles({ variants }).goldOnly, 'base');
  const report = graphOf(load({ variants })).find(({ name }) => name === 'report');
  assert.equal(report?.config['baseline'], 'base');
});

function roles(changes: object) {
  const loaded = load(changes);
  const order = variantOrder(loaded);
  return {
    exported: exportedVariant(loaded.config, order),
    goldOnly: goldOnlyVariant(loaded.config, order),
  };
}

function load(changes: object) {
  const config = { ...miniConfig, 'hard-relabel': relabel, ...changes };
  return checkedConfig(miniProject().path('decant.yaml'), stringify(config));
}
