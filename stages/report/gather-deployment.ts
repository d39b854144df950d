import { type ChosenPoint, readOperatingPoint } from '#datasets/operating-point.ts';
import { type RecommendedFile, readDeployment } from '#stages/students/deployment.ts';

/** What was chosen for the use of the exported student. */
export interface Deployed {
  readonly point?: ChosenPoint;
  readonly recommended?: RecommendedFile;
}

/** Reads what the inputs of the report tell of it: nothing where nothing was asked for. */
export async function readDeployed(inputs: Readonly<Record<string, string>>): Promise<Deployed> {
  const { 'operating-point': point, student } = inputs;
  const recommended = student && (await readDeployment(student)).recommended_file;
  return {
    ...(point !== undefined && { point: await readOperatingPoint(point) }),
    ...(recommended && { recommended }),
  };
}
