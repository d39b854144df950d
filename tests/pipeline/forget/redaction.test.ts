import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleIdOf } from '#datasets/example-id.ts';
import { FORGOTTEN, redactionOf } from '#pipeline/forget/redaction.ts';
import { escapeHtml } from '#stages/report/html.ts';

const text = `Is "my" card <lost>? ${'It was in the blue bag. '.repeat(12)}`;
const short = 'help';

function rowOf(content: string) {
  return {
    exampleId: exampleIdOf(content),
    sourceId: 'u17',
    split: 'train' as const,
    text: content,
    textPair: null,
  };
}

const redaction = redactionOf([rowOf(text), rowOf(short)]);

test('a log loses the id, the own id beside it and the text, also in quotations of quotations', () => {
  const inner = JSON.stringify({
    message: `left out: row ${exampleIdOf(text)} (id u17) ${JSON.stringify(`${text.slice(0, 60)}...`)}`,
  });
  const line = JSON.stringify({ type: 'failed', message: `ended after ${inner}`, count: 17 });
  const log = `${line}\n{"torn": "no end`;
  const redacted = redaction.log(log);
  for (const secret of [exampleIdOf(text), 'u17', 'my card', 'blue bag', '<lost>']) {
    assert.ok(!redacted.includes(secret), `${secret} is left in ${redacted}`);
  }
  const [first = '', second] = redacted.split('\n');
  assert.deepEqual(Object.keys(JSON.parse(first)), ['type', 'message', 'count']);
  assert.equal(second, '{"torn": "no end');
});

test('a short text is struck out where it is quoted, and nowhere else', () => {
  const log = JSON.stringify({ message: `row "help": see --help`, help: 'decant helps' });
  const redacted = redaction.log(log);
  assert.equal(redacted.includes('see --help'), true);
  assert.equal(redacted.includes('decant helps'), true);
  assert.ok(!JSON.parse(redacted).message.includes('"help"'));
});

test('what holds nothing of them comes back as it was', () => {
  const log = `${JSON.stringify({ id: 'a'.repeat(64), other: exampleIdOf('x'), t: 'é"\\n' })}\n`;
  assert.equal(redaction.log(log), log);
  const page = `<bdi>another</bdi><span class="id">${exampleIdOf('x')}</span>`;
  assert.equal(redaction.page(page), page);
});

test('a page loses the text in full, cut short and masked, and the id', () => {
  const shown = escapeHtml(`${text.slice(0, 240)}\u2026`);
  const masked = escapeHtml('xxxx');
  const page = `<bdi>${shown}</bdi><bdi>${masked}</bdi><span class="id">${exampleIdOf(text)}</span>`;
  assert.equal(
    redaction.page(page),
    `<bdi>${FORGOTTEN}</bdi><bdi>${FORGOTTEN}</bdi><span class="id">${FORGOTTEN}</span>`,
  );
});

test('a reject is such a row when its excerpt differs in case and signs only', () => {
  const reject = { file: 'a.csv', line: 3, column: null, code: 'leak' as const, reason: '' };
  assert.equal(redaction.isForgotten({ ...reject, excerpt: 'HELP!' }), true);
  assert.equal(redaction.isForgotten({ ...reject, excerpt: 'help me' }), false);
  assert.equal(redaction.isForgotten({ ...reject, excerpt: '' }), false);
});
