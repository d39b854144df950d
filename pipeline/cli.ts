import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { cacheSqlCommand } from './commands/cache.ts';
import {
  configSchemaCommand,
  configShowCommand,
  configValidateCommand,
} from './commands/config.ts';
import { doctorCommand } from './commands/doctor.ts';
import { predictCommand } from './commands/predict.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { describeFailure, EXIT_CODES, exitCodeOf, reportOf } from './failures.ts';
import { decantVersion } from './project.ts';

const collect = (value: string, previous: readonly string[]) => [...previous, value];

/** Options of every command that reads decant.yaml. */
function withProject(command: Command): Command {
  return command
    .option('--config <file>', 'configuration to use', 'decant.yaml')
    .option('--set <a.b=value>', 'override a setting; may be repeated', collect, [])
    .option('--store <dir>', 'store to use (default: .decant beside the configuration)');
}

/** `90s`, `10m`, `2h` in milliseconds. */
function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('write it as 90s, 10m or 2h');
  return Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? 1);
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function buildProgram(): Command {
  const program = new Command('decant')
    .description(
      'Offline knowledge distillation: the teacher speaks once, students learn from what was kept.',
    )
    .version(decantVersion())
    .showHelpAfterError()
    .exitOverride();

  withProject(program.command('run', { isDefault: false }))
    .description('run what is stale, in order; the same command resumes')
    .argument('[stage...]', 'stages or instances; default: all')
    .option('--from <stage>', 'this stage and all that depends on it')
    .option('--to <stage>', 'this stage and all that it depends on')
    .option('--force <stage>', 'make it again although it is fresh; may be repeated', collect, [])
    .option('--dry-run', 'show what would run and why, and stop')
    .option('--recompute-teacher', 'allow a new teacher pass over rows that a cache already holds')
    .option('--rehash', 'read every input file again instead of trusting unchanged ones')
    .option('--wait-lock <time>', 'wait this long when another run holds the store', duration, 0)
    .option('--max-duration <time>', 'stop cleanly with exit code 75 after this long', duration)
    .option('--quiet', 'say nothing unless something goes wrong')
    .option('--json', 'print the result as JSON on stdout')
    .addOption(
      new Option('--log-format <format>', 'how progress is logged')
        .choices(['auto', 'plain', 'json'])
        .default('auto'),
    )
    .action(async (stages: string[], options) => exitWith(await runCommand(stages, options)));

  withProject(program.command('status'))
    .description('what is fresh, what is stale, and which input or setting changed it')
    .option('--check', 'exit with 0 when all is fresh, with 10 when not')
    .option('--json', 'print it as JSON')
    .option('--rehash', 'read every input file again instead of trusting unchanged ones')
    .action(async (options) => exitWith(await statusCommand(options)));

  program
    .command('predict')
    .description('label lines of stdin with a student')
    .requiredOption(
      '--student <dir>',
      'exported student: a Hugging Face directory with onnx/model.onnx',
    )
    .option('--top <k>', 'classes to show for each line', Number, 1)
    .option('--json', 'print JSON lines')
    .action(async (options) => exitWith(await predictCommand(options)));

  const cache = program.command('cache').description('look into the cached soft labels');
  withProject(cache.command('sql'))
    .description('ask the cache with one SELECT over views')
    .argument('[query]', 'SQL; without it the views are listed')
    .addOption(
      new Option('--format <format>', 'how to print the rows')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    )
    .action(async (query: string | undefined, options) =>
      exitWith(await cacheSqlCommand(query, options)),
    );

  const config = program.command('config').description('look at the configuration');
  withProject(config.command('show'))
    .description('print the configuration with all defaults')
    .option('--origin', 'say where each value comes from')
    .action((options) => exitWith(configShowCommand(options)));
  withProject(config.command('validate'))
    .description('check the configuration and the files that it names')
    .action((options) => exitWith(configValidateCommand(options)));
  config
    .command('schema')
    .description('print the JSON schema of decant.yaml for editors')
    .action(() => exitWith(configSchemaCommand()));

  program
    .command('doctor')
    .description('what is installed, what works and what is missing')
    .option('--json', 'print it as JSON')
    .action(async (options) => exitWith(await doctorCommand(options)));
  return program;
}

function exitWith(code: number): void {
  process.exitCode = code;
}

/** Runs the command line and leaves the exit code in `process.exitCode`. */
async function main(argv: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_CODES.usage;
      return;
    }
    const failure = reportOf(error);
    console.error(describeFailure(failure));
    process.exitCode = exitCodeOf(failure);
  }
}

await main(process.argv.slice(2));
