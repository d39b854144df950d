import type { Command } from 'commander';
import { exitWith, withProject } from './options.ts';

/** Commands about teachers before a run: add, check. */
export function addTeacherCommands(program: Command): void {
  const teacher = program.command('teacher').description('get a teacher, and look at one');
  teacher
    .command('add')
    .description('bring a text classifier from the Hugging Face hub; the same command resumes')
    .argument(
      '<model>',
      'org/name or org/name@revision; or ./DIR with a checkpoint, to make what it lacks',
    )
    .option('--to <dir>', 'folder to put it into (default: its name)')
    .option(
      '--file <path>',
      'of several ONNX files of a repository this one (default: onnx/model.onnx)',
    )
    .action(async (model: string, options) => {
      const { teacherAddCommand } = await import('#pipeline/commands/teacher-add.ts');
      exitWith(await teacherAddCommand(model, options));
    });
  withProject(teacher.command('check'))
    .description('inputs, classes, tokenizer and a few answers of a teacher')
    .argument('<dir>', 'Hugging Face folder with onnx/model.onnx, or an .onnx file')
    .option('--json', 'print it as JSON')
    .action(async (folder: string, options) => {
      const { teacherCheckCommand } = await import('#pipeline/commands/teacher-check.ts');
      exitWith(await teacherCheckCommand(folder, options));
    });
}
