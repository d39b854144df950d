import { EXIT_CODES } from '#pipeline/failures.ts';
import { type Check, diagnose } from '#pipeline/setup/doctor.ts';

/** `decant doctor`: exit code 0 when all that every run needs works, 1 when not. */
export async function doctorCommand(options: { readonly json?: boolean }): Promise<number> {
  const diagnosis = await diagnose();
  if (options.json === true) process.stdout.write(`${JSON.stringify(diagnosis, null, 1)}\n`);
  else process.stdout.write(`${diagnosis.checks.map(describe).join('\n')}\n`);
  return diagnosis.healthy ? EXIT_CODES.done : EXIT_CODES.internal;
}

function describe({ name, ok, detail, fix }: Check): string {
  const mark = ok === true ? '✔' : ok === 'absent' ? '–' : '✖';
  const line = `${mark} ${name.padEnd(NAME_WIDTH)} ${detail}`;
  return fix === undefined ? line : `${line}\n  ${''.padEnd(NAME_WIDTH)} -> ${fix}`;
}

const NAME_WIDTH = 22;
