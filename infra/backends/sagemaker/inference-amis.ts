import { CUDA_BASE } from "../../image/bases.ts";

/**
 * Inference AMIs of SageMaker whose driver is new enough, each with the newest CUDA that its driver is made for, and
 * the base image for it. A driver from 525 on runs every CUDA 12, as far as kernels are compiled for its GPU, as those
 * of onnxruntime are; only what the driver would have to compile needs one that is made for that CUDA.
 *
 * @see CUDA compatibility guide of NVIDIA, "Minor version compatibility"
 */
export const INFERENCE_AMIS = {
  "al2023-ami-sagemaker-inference-gpu-4-1": { driver: 580, cuda: "13.0", base: CUDA_BASE },
  "al2-ami-sagemaker-inference-gpu-3-1": { driver: 550, cuda: "12.4", base: CUDA_BASE },
} as const;

export type InferenceAmi = keyof typeof INFERENCE_AMIS;
