/** How far a student is from its teacher, by name. */
export type SoftLossKind =
  /** KL(teacher || student): the student covers all that the teacher holds possible (Hinton et al. 2015). */
  | { readonly name: 'forward-kl' }
  /** KL(student || teacher): the student keeps to what the teacher holds likely (Gu et al. 2024, MiniLLM). */
  | { readonly name: 'reverse-kl' }
  /**
   * teacherShare KL(teacher || m) + (1 - teacherShare) KL(student || m), where m is the mixture with these
   * shares; 0.5 is Jensen and Shannon's, others the generalised one (Agarwal et al. 2024, GKD).
   */
  | { readonly name: 'jensen-shannon'; readonly teacherShare: number }
  /** Squared differences of logits (Ba and Caruana 2014; Kim et al. 2021). */
  | { readonly name: 'mse' };

/** Names of the losses, the usual one first. */
export const SOFT_LOSSES = ['forward-kl', 'reverse-kl', 'jensen-shannon', 'mse'] as const;

/** The loss of that name with equal shares. */
export function softLossKind(name: SoftLossKind['name']): SoftLossKind {
  return name === 'jensen-shannon' ? { name, teacherShare: 0.5 } : { name };
}
