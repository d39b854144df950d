import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

const probeInputSchema = z.strictObject({
  exampleId: z.string(),
  /** None where the student reads tensors only. */
  tokenIds: z.array(z.int().min(0)),
  /** Tensors by model input. */
  features: z.record(z.string(), z.array(z.number())).optional(),
  /** Of a student that answers for each token: the places whose logits follow. */
  answerAt: z.array(z.int().min(0)).optional(),
  /** Of a student with a vocabulary for classes: those whose logits follow; left out, all of them do. */
  classIds: z.array(z.int().min(0)).optional(),
  /** In class order, as the trainer computed them; place by place where there are several. */
  logits: z.array(z.number()),
});

const probeSchema = z.strictObject({
  formatVersion: z.literal(1),
  inputs: z.array(probeInputSchema),
});

/** An input with the trainer's answer: every later form of the student must repeat it. */
export type ProbeInput = z.infer<typeof probeInputSchema>;

/** A probe.json that is none of format 1. */
export class ProbeError extends Failure {
  constructor(file: string, reason: string) {
    super(
      'corrupt',
      'E_PROBE',
      `${file}: ${reason}`,
      'train the student again: decant run --force train-student',
    );
  }
}

/** Writes `probe.json`. */
export async function writeProbe(folder: string, inputs: readonly ProbeInput[]): Promise<void> {
  const text = JSON.stringify({ formatVersion: 1, inputs });
  await writeFileAtomic(join(folder, FILE), `${text}\n`);
}

/** Reads what `writeProbe` wrote. */
export async function readProbe(folder: string): Promise<ProbeInput[]> {
  const file = join(folder, FILE);
  try {
    return probeSchema.parse(JSON.parse(await readFile(file, 'utf8'))).inputs;
  } catch (error) {
    throw new ProbeError(file, error instanceof Error ? error.message : String(error));
  }
}

const FILE = 'probe.json';
