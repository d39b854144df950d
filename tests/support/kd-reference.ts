import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenFolder } from './paths.ts';

/** A loss of PyTorch with its gradient. */
export interface ReferenceLoss {
  readonly inputs: {
    readonly student: number[][];
    readonly logits: number[][];
    readonly teacher: number[][];
    readonly labels: number[];
  };
  readonly params: {
    readonly T: number;
    readonly alpha_hard: number;
    readonly label_smoothing: number;
  };
  readonly loss: number;
  readonly grad: { readonly student: number[][]; readonly logits: number[][] };
}

/** Five weights through some steps of one of PyTorch's optimisers, L2 regularisation included. */
export interface ReferenceOptimizer {
  readonly inputs: { readonly p0: number[]; readonly grads: number[][] };
  readonly trace: number[][];
}

/** Gradients of several parameters before and after clip_grad_norm_. */
export interface ReferenceClip {
  readonly inputs: { readonly grads: unknown[] };
  readonly total_norm: number;
  readonly clipped: unknown[];
}

/** The golden cases of that name. A case has the fields that its formula needs. */
export function referenceCases<Case = ReferenceLoss>(name: string): Case[] {
  const text = readFileSync(join(goldenFolder, 'kd-reference.json'), 'utf8');
  const { cases } = JSON.parse(text) as { cases: { name: string }[] };
  return cases.filter((candidate) => candidate.name === name) as Case[];
}
