import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastShare, objection } from '#stages/numerics/label-odds.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { softmax } from '#stages/numerics/softmax.ts';

test('the most probable class objects by its share of the two, and never to itself', () => {
  assert.deepEqual(objection([0.2, 0.6, 0.2], 0), { suggestedId: 1, share: 0.6 / 0.8 });
  assert.equal(objection([0.2, 0.6, 0.2], 1), null);
  assert.equal(objection([0.5, 0.5], 1), null, 'a tie changes nothing');
});

test('changes of labels with planted noise are right as often as the share was chosen for', () => {
  const [classCount, precision] = [6, 0.75];
  const random = randomFor(3, 'label-odds');
  const draw = () => {
    const logits = Array.from({ length: classCount }, () => 15 * random());
    const probs = softmax(logits);
    let rest = random();
    const classId = probs.findIndex((prob) => (rest -= prob) < 0);
    return { probs, classId: Math.max(0, classId) };
  };
  const known = Array.from({ length: 3000 }, draw);
  const shares = [0.1, 0.3].map((noise) => {
    const share = leastShare(known, { noise, precision }) ?? assert.fail();
    let [changed, right] = [0, 0];
    for (const { probs, classId } of Array.from({ length: 20_000 }, draw)) {
      const other = (classId + 1 + Math.floor(random() * (classCount - 1))) % classCount;
      const against = objection(probs, random() < noise ? other : classId);
      if (against === null || against.share < share) continue;
      changed++;
      if (against.suggestedId === classId) right++;
    }
    assert.ok(changed > 200 && Math.abs(right / changed - precision) < 0.06, `${right / changed}`);
    return share;
  });
  assert.ok((shares[0] ?? 0) > (shares[1] ?? 1), 'less noise asks for more');
});

test('where no share is enough there is none, and without noise no change is right', () => {
  const unsure = Array.from({ length: 10 }, (_, row) => ({
    probs: [0.4, 0.35, 0.25],
    classId: row % 3,
  }));
  assert.equal(leastShare(unsure, { noise: 0.1, precision: 0.99 }), null);
  const sure = [{ probs: [0.9, 0.1], classId: 0 }];
  assert.equal(leastShare([{ probs: [0.9, 0.1], classId: 1 }], { noise: 0, precision: 0.5 }), null);
  assert.notEqual(leastShare(sure, { noise: 0.1, precision: 0.5 }), null);
});
