import { bag } from './bag.ts';
import { bert } from './bert.ts';
import { cnn } from './cnn.ts';
import { gpt2 } from './gpt2.ts';
import { mlp } from './mlp.ts';
import { modernBert } from './modernbert.ts';
import type { Architecture, ArchitectureName } from './student.ts';
import { textCnn } from './textcnn.ts';

/** The architecture of that name. */
export function architectureOf(name: ArchitectureName): Architecture {
  return architectures[name];
}

const architectures = {
  modernbert: modernBert,
  bert,
  gpt2,
  bag,
  textcnn: textCnn,
  mlp,
  cnn,
} as const;
