import { Command, CommanderError } from 'commander';
import { addLabelCommands } from './cli/label-commands.ts';
import { addLossCommands } from './cli/loss-commands.ts';
import { addProjectCommands } from './cli/project-commands.ts';
import { addResultCommands } from './cli/result-commands.ts';
import { addRunCommands } from './cli/run-commands.ts';
import { addTeacherCommands } from './cli/teacher-commands.ts';
import { describeFailure, EXIT_CODES, exitCodeOf, reportOf } from './failures.ts';
import { decantVersion } from './version.ts';

function buildProgram(): Command {
  const program = new Command('decant')
    .description(
      'Offline knowledge distillation: the teacher speaks once, students learn from what was kept.',
    )
    .version(decantVersion())
    .showHelpAfterError()
    .exitOverride();
  addRunCommands(program);
  addResultCommands(program);
  addLabelCommands(program);
  addTeacherCommands(program);
  addLossCommands(program);
  addProjectCommands(program);
  return program;
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
