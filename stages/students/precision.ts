/** Which ONNX file of a student is asked: onnx/model.onnx, or onnx/model_quantized.onnx. */
export const STUDENT_PRECISIONS = ['float32', 'int8'] as const;

export type StudentPrecision = (typeof STUDENT_PRECISIONS)[number];
