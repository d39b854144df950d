import type { Command } from 'commander';
import { exitWith } from './options.ts';

/** Commands about losses of the user's own: check. */
export function addLossCommands(program: Command): void {
  const loss = program.command('loss').description('a soft loss of your own');
  loss
    .command('check')
    .description(
      'gradient against differences, recorded graph against eager, rows alone, finite numbers',
    )
    .argument('<module>', 'file that exports softLoss and forms')
    .option('--json', 'print it as JSON')
    .action(async (module: string, options) => {
      const { lossCheckCommand } = await import('#pipeline/commands/loss-check.ts');
      exitWith(await lossCheckCommand(module, options));
    });
}
