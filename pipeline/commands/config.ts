import { configAsYaml, configJsonSchema } from '#pipeline/config/config.ts';
import { requireInputFiles } from '#pipeline/config/input-files.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

/** `decant config show`: prints the configuration with all defaults. */
export function configShowCommand(options: ProjectOptions & { readonly origin?: boolean }): number {
  const { loaded } = openProject(options);
  process.stdout.write(configAsYaml(loaded, { origins: options.origin === true }));
  return 0;
}

/** `decant config validate`: everything that is wrong is thrown on the way. */
export async function configValidateCommand(options: ProjectOptions): Promise<number> {
  const { loaded, graph } = openProject(options);
  await requireInputFiles(graph);
  process.stdout.write(`${loaded.file} is valid: ${graph.length} stages\n`);
  return 0;
}

/** `decant config schema`: prints the JSON schema of decant.yaml. */
export function configSchemaCommand(): number {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return 0;
}
