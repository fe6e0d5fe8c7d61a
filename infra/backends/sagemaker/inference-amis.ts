/**
 * Inference AMIs of SageMaker whose driver is new enough, the default first: 580, which is made for CUDA 13.0, and 550,
 * made for 12.4. A driver from 525 on runs every CUDA 12, as far as kernels are compiled for its GPU, as those of
 * onnxruntime are; only what the driver would have to compile needs one that is made for that CUDA.
 *
 * @see CUDA compatibility guide of NVIDIA, "Minor version compatibility"
 */
export const INFERENCE_AMIS = [
  "al2023-ami-sagemaker-inference-gpu-4-1",
  "al2-ami-sagemaker-inference-gpu-3-1",
] as const;

export type InferenceAmi = (typeof INFERENCE_AMIS)[number];
