import { graph, graphAppendix, node, valueInfo } from '#stages/onnx/wire.ts';

/** Output of `tiedDecoder`, [batch, sequence, VOCABULARY]. */
export const DECODED = 'decoded_logits';

/** Word pieces of the banking77 sample's teacher. */
export const VOCABULARY = 30_522;

/**
 * Nodes behind the encoder of the banking77 sample's teacher: hidden states times its own transposed word
 * embeddings, which is the head of a masked language model but for its one dense layer. Bytes to append.
 */
export function tiedDecoder(): Uint8Array {
  const table = 'm.bert.embeddings.word_embeddings.weight';
  const hidden = '/m/bert/encoder/layer.5/output/LayerNorm/LayerNormalization_output_0';
  return graphAppendix(
    graph({
      nodes: [
        node('Cast', [`${table}_q`], ['decoder_f'], { to: { int: 1 } }),
        node('Mul', ['decoder_f', `${table}_s`], ['decoder']),
        node('Transpose', ['decoder'], ['decoder_t']),
        node('MatMul', [hidden, 'decoder_t'], [DECODED]),
      ],
      outputs: [valueInfo(DECODED, 'float32', ['batch', 'sequence', VOCABULARY])],
    }),
  );
}
