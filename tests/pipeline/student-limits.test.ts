import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { checkedConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { refuseUnread, unreadSettings } from '#pipeline/limits/student-limits.ts';
import { miniConfig } from '#tests/support/mini-project.ts';

/** Paths that are refused, with why. */
function refused(sections: Readonly<Record<string, unknown>>): string[] {
  // Settings of its own would be unread where all students are of an architecture without layers.
  const whole = { ...miniConfig, student: {}, 'hard-relabel': undefined, ...sections };
  const { config } = checkedConfig('decant.yaml', stringify(whole));
  return unreadSettings(config).map(({ path, problem }) => `${path}: ${problem}`);
}

const rate = { kind: 'linear', from: 0.01, to: 0.001 };

for (const [setting, value, reader, to] of [
  ['momentum', 0.8, { optimizer: 'sgd' }, /optimizer: sgd/],
  ['nesterov', true, { optimizer: 'sgd' }, /optimizer: sgd/],
  ['layers', 3, { architecture: 'mlp' }, /architecture: modernbert, bert, gpt2, mlp or cnn/],
  ['heads', 2, { architecture: 'bert' }, /architecture: modernbert, bert or gpt2/],
  ['intermediateSize', 64, { architecture: 'bag' }, /architecture: modernbert, bert, gpt2 or bag/],
  ['kernelWidths', [1, 2], { architecture: 'textcnn' }, /architecture: textcnn/],
  ['filters', 64, { architecture: 'textcnn' }, /architecture: textcnn/],
  ['kernelSize', 5, { architecture: 'cnn' }, /architecture: cnn/],
  ['poolGrid', 2, { architecture: 'cnn' }, /architecture: cnn/],
  ['channels', 'first', { architecture: 'cnn' }, /architecture: cnn/],
] as const) {
  test(`${setting} is refused where no student reads it, and shared where one does`, () => {
    const given = { [setting]: value };
    const not = {
      architecture: setting === 'kernelWidths' || setting === 'filters' ? 'bag' : 'textcnn',
    };
    const [ofAll = ''] = refused({ student: given, variants: { not } });
    assert.ok(ofAll.startsWith(`student.${setting}: belongs to `), ofAll);
    assert.match(ofAll, to);
    const [own = ''] = refused({
      variants: { reads: { ...reader, ...given }, not: { ...not, ...given } },
    });
    assert.match(own, new RegExp(`^variants\\.not\\.${setting}: .*set it in student`));
    assert.deepEqual(refused({ student: given, variants: { reads: reader, not } }), []);
    const [name = '', other] = Object.entries(reader)[0] ?? [];
    const sweep = { over: { [name]: [other] } };
    assert.deepEqual(refused({ student: given, variants: { not }, sweep }), []);
  });
}

test('schedule and warmup stand beside a learning rate that is a number', () => {
  for (const given of [{ schedule: 'cosine' }, { warmup: 0.1 }]) {
    const [setting = ''] = Object.keys(given);
    assert.deepEqual(refused({ student: given, variants: { distilled: {} } }), []);
    const [ofAll = ''] = refused({
      student: { ...given, learningRate: rate },
      variants: { a: {} },
    });
    assert.ok(ofAll.startsWith(`student.${setting}: belongs to a learningRate that is a number`));
    const [own = ''] = refused({ variants: { a: { ...given, learningRate: rate }, b: {} } });
    assert.ok(own.startsWith(`variants.a.${setting}: `), own);
    const mixed = { student: given, variants: { a: { learningRate: rate }, b: {} } };
    assert.deepEqual(refused(mixed), []);
  }
});

test('auto reads what one of its candidates reads, and its candidates are not blamed for the others', () => {
  const auto = { architecture: 'auto', filters: 32 };
  assert.deepEqual(refused({ variants: { distilled: auto } }), []);
  const [own = ''] = refused({ variants: { distilled: { architecture: 'auto', poolGrid: 2 } } });
  assert.ok(own.startsWith('variants.distilled.poolGrid: belongs to architecture: cnn'), own);
});

test('a configuration with such a setting is refused as a whole', () => {
  const text = stringify({ ...miniConfig, student: { momentum: 0.9, filters: 8 } });
  assert.throws(
    () => refuseUnread(checkedConfig('decant.yaml', text)),
    (error) => error instanceof ConfigError && error.problems.length === 2,
  );
});
