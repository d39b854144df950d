import { resolve } from 'node:path';
import type { z } from 'zod';
import { EXIT_CODES } from '#pipeline/failures.ts';
import { askBeside } from '#pipeline/run/beside.ts';
import { lossChecksSchema } from '#stages/train-student/losses/check-loss.ts';

export interface LossCheckOptions {
  readonly json?: boolean;
}

/** `decant loss check`: whether a soft loss of the user's own can be trained with. Exit code 3 where not. */
export async function lossCheckCommand(module: string, options: LossCheckOptions): Promise<number> {
  const answer = await askBeside({
    stage: 'check-loss',
    output: 'check',
    config: {},
    files: { softLoss: [resolve(module)] },
    inputFolders: {},
  });
  const checks = lossChecksSchema.parse(answer);
  const text = options.json === true ? JSON.stringify(checks, null, 1) : asText(checks);
  process.stdout.write(`${text}\n`);
  return checks.every(({ passed }) => passed) ? EXIT_CODES.done : EXIT_CODES.data;
}

function asText(checks: z.infer<typeof lossChecksSchema>): string {
  const lines = checks.map(
    ({ form, name, passed, detail }) =>
      `${passed ? 'ok   ' : 'WRONG'} ${form}: ${name} (${detail})`,
  );
  const wrong = checks.filter(({ passed }) => !passed).length;
  const end =
    wrong === 0 ? 'a student can be trained with it' : `${wrong} of ${checks.length} wrong`;
  return [...lines, end].join('\n');
}
