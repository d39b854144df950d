import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClassList } from '#stages/prepare/class-list.ts';
import { requireKnownLabels, unusedClasses } from '#stages/prepare/known-labels.ts';
import { failureOf } from '#tests/support/failure.ts';
import { sourceRow } from '#tests/support/source-row.ts';

function classes(classNames: readonly string[]): ClassList {
  return {
    classNames,
    idOfLabel: new Map(classNames.map((name, id) => [name, id])),
    byNumber: false,
  };
}

test('unknown labels are told all at once with place, count and the nearest class', async () => {
  const list = classes(['card_arrival', 'exchange_rate']);
  const rows = [
    sourceRow('x', 'card_arival'),
    sourceRow('y', 'card_arival'),
    sourceRow('z', '7'),
    sourceRow('w', 'exchange_rate'),
  ];
  const failure = await failureOf(Promise.resolve().then(() => requireKnownLabels(rows, list)));
  assert.equal(failure.code, 'E_CORPUS_LABEL');
  assert.equal(failure.kind, 'data');
  assert.match(failure.message, /2 labels/);
  assert.match(
    failure.message,
    /"card_arival" \(train\.jsonl line \d+ and 1 more, nearest class "card_arrival"\)/,
  );
  assert.match(failure.message, /"7" \(train\.jsonl line \d+\)/);
});

test('classes that no row has are found', () => {
  assert.deepEqual(unusedClasses([sourceRow('x', 'b'), sourceRow('y')], classes(['a', 'b', 'c'])), [
    'a',
    'c',
  ]);
});
