import type { Command } from 'commander';
import { INPUT_FORMATS } from '#pipeline/display/format-names.ts';
import { STUDENT_PRECISIONS } from '#stages/students/precision.ts';
import { addCacheCommands } from './cache-commands.ts';
import { choice, countFromOne, exitWith, positive } from './options.ts';

/** Commands about what runs have made: predict, monitor, cache. */
export function addResultCommands(program: Command): void {
  program
    .command('predict')
    .description('label texts of stdin with a student')
    .requiredOption(
      '--student <dir>',
      'exported student: a Hugging Face directory with onnx/model.onnx',
    )
    .addOption(choice('--format <format>', 'what stdin is', INPUT_FORMATS, 'lines'))
    .option('--column <name>', 'column or key of the text', 'text')
    .option(
      '--pair-column <name>',
      'column or key of the second text, of a student of pairs (default: text_pair)',
    )
    .option('--top <k>', 'classes to show for each text', countFromOne, 1)
    .option('--head <name>', 'of a student with several tasks: the one to answer')
    .option('--explain', 'what each word adds to the probability of the label')
    .addOption(
      choice('--precision <type>', 'ONNX file that answers', STUDENT_PRECISIONS, 'float32'),
    )
    .option('--threads <n>', 'threads that answer (default: one a core)', countFromOne)
    .option('--json', 'print JSON lines')
    .action(async (options) => {
      const { predictCommand } = await import('#pipeline/commands/predict.ts');
      exitWith(await predictCommand(options));
    });

  program
    .command('monitor')
    .description('compare predictions with what the student said on validation; 4: drifted')
    .argument('<file>', 'predictions as `decant predict --json` writes them; -: stdin')
    .requiredOption('--student <dir>', 'exported student that made them')
    .option('--threshold <psi>', 'largest PSI above what chance gives', positive, 0.2)
    .option('--json', 'print it as JSON')
    .action(async (file: string, options) => {
      const { monitorCommand } = await import('#pipeline/commands/monitor.ts');
      exitWith(await monitorCommand(file, options));
    });

  addCacheCommands(
    program.command('cache').description('look into the cache, check it, clear it up'),
  );
}
