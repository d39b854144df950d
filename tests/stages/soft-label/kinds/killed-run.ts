import assert from 'node:assert/strict';
import { succeed } from '#tests/support/cli-result.ts';
import { lastRun } from '#tests/support/last-run.ts';
import { startCli } from '#tests/support/running-cli.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';
import type { TestedDevice } from './as-on-cpu.ts';

/**
 * Kills the process of stage one and that of the command line when 64 rows are labelled: the next run keeps the
 * finished files, asks for the others alone, and the whole says what the teacher says on the CPU.
 */
export async function assertResumesAfterKill(device: TestedDevice): Promise<void> {
  const project = smallProject({
    device,
    'soft-label': { ...smallConfig['soft-label'], tokenBudget: 1 },
  });
  const to = ['--to', 'soft-label'];
  const killed = startCli(['run', '--log-format', 'json', '--log-every', '0s', ...to], {
    cwd: project.folder,
  });
  await killed.said(LABELLING);
  killed.killGroup('SIGKILL');
  assert.equal((await killed.ended).signal, 'SIGKILL');
  await succeed(project, 'run', ...to);
  const { result } = lastRun(project).stages['soft-label'] ?? {};
  const { resumedRows = 0, teacherRows = 0, rowsNew } = result?.counts ?? {};
  assert.ok(resumedRows >= 16 && teacherRows > 0, `${resumedRows} kept, ${teacherRows} asked`);
  assert.equal(resumedRows + teacherRows, rowsNew);
  assert.match(await succeed(project, 'cache', 'info'), new RegExp(`made with .* on ${device}`));
  const asked = ['--against-teacher', '--sample', '100%', '--set', 'device=cpu'];
  assert.match(await succeed(project, 'cache', 'verify', ...asked), /another best class +0 rows/);
}

const LABELLING =
  /"instance":"soft-label","event":\{"type":"progress","done":(?:6[4-9]|[7-9]\d|1\d\d)/;
