import { test } from 'node:test';
import {
  assertHalvesBudget,
  assertHalvesLater,
} from '#tests/stages/soft-label/kinds/halved-budget.ts';
import { assertResumesAfterKill } from '#tests/stages/soft-label/kinds/killed-run.ts';
import { skip, testedDevice } from './tested-device.ts';

/** What ends a run before its time, on CUDA. */
test('memory that runs out in the first batch halves the budget', { skip }, () =>
  assertHalvesBudget(testedDevice),
);

test('memory that runs out when files are finished ends the run, with the way out', { skip }, () =>
  assertHalvesLater(testedDevice),
);

test(
  'a run whose process is killed goes on with what it has finished, on the same provider',
  {
    skip,
  },
  () => assertResumesAfterKill(testedDevice),
);
