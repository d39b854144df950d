import type { Command } from 'commander';
import { recipes } from '#pipeline/init/recipes.ts';
import { setUp } from '#pipeline/setup/setup.mjs';
import { runProgram } from '#pipeline/setup/setup-error.mjs';
import { bashCompletion } from './completion.ts';
import { choice, exitWith, share, withProject } from './options.ts';

/** Commands about a project and its machine: init, config, schedule, doctor, completion. */
export function addProjectCommands(program: Command): void {
  program
    .command('init')
    .description('look at your data and write a decant.yaml that runs')
    .argument('<file>', 'labelled rows: .csv, .tsv or .jsonl, also with .gz')
    .addOption(
      choice(
        '--recipe <name>',
        'which students to train (default: what suits the share of labels)',
        recipes.map(({ name }) => name),
      ),
    )
    .option('--teacher <dir>', 'Hugging Face folder with onnx/model.onnx (default: found beside)')
    .option('--validation <file>', 'rows to choose by (default: found by name, or a tenth)')
    .option('--test <file>', 'rows to measure with (default: found by name)')
    .option('--hold-out <share>', 'put this share of the labelled rows aside as test rows', share)
    .option('--config <file>', 'what to write', 'decant.yaml')
    .option('--force', 'replace an existing configuration')
    .action(async (file: string, options) => {
      const { initCommand } = await import('#pipeline/commands/init.ts');
      exitWith(await initCommand(file, options));
    });

  const config = program.command('config').description('look at the configuration');
  withProject(config.command('show'))
    .description('print the configuration with all defaults')
    .option('--origin', 'say where each value comes from')
    .action(async (options) => {
      const { configShowCommand } = await import('#pipeline/commands/config.ts');
      exitWith(configShowCommand(options));
    });
  withProject(config.command('validate'))
    .description('check the configuration and the files that it names')
    .action(async (options) => {
      const { configValidateCommand } = await import('#pipeline/commands/config.ts');
      exitWith(await configValidateCommand(options));
    });
  config
    .command('schema')
    .description('print the JSON schema of decant.yaml for editors')
    .action(async () => {
      const { configSchemaCommand } = await import('#pipeline/commands/config.ts');
      exitWith(configSchemaCommand());
    });

  const schedule = program.command('schedule').description('print ready files for a scheduler');
  for (const kind of ['cron', 'systemd'] as const) {
    withProject(schedule.command(kind))
      .description(kind === 'cron' ? 'a line for crontab -e' : 'a oneshot service and its timer')
      .option('--at <HH:MM>', 'time of day', '02:30')
      .option('--metrics-file <file>', 'pass it on to `decant run`')
      .option('--output <dir>', 'write the files there instead of printing them')
      .action(async (options) => {
        const { scheduleCommand } = await import('#pipeline/commands/schedule.ts');
        exitWith(await scheduleCommand(kind, options));
      });
  }

  program
    .command('setup')
    .description('fetch the native libraries, checked by hash; nothing is run while npm installs')
    .argument('[options...]', '--device auto|cpu|gpu, --check, ...; --help lists all')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: readonly string[]) => {
      await runProgram(async () => {
        await setUp({ args });
        return 0;
      });
    });

  program
    .command('doctor')
    .description('what is installed, what works and what is missing')
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const { doctorCommand } = await import('#pipeline/commands/doctor.ts');
      exitWith(await doctorCommand(options));
    });

  program
    .command('completion')
    .description('print what makes a shell complete commands and options')
    .addArgument(program.createArgument('<shell>', 'which shell').choices(['bash']))
    .action(() => {
      process.stdout.write(bashCompletion(program));
      exitWith(0);
    });
}
