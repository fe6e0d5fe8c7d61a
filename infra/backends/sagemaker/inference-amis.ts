/**
 * Inference AMIs of SageMaker whose driver is new enough, each with the newest CUDA that its driver supports, and a base
 * image with that CUDA or an older one.
 */
export const INFERENCE_AMIS = {
  "al2023-ami-sagemaker-inference-gpu-4-1": {
    driver: 580,
    cuda: "13.0",
    base: "nvcr.io/nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04",
  },
  "al2-ami-sagemaker-inference-gpu-3-1": {
    driver: 550,
    cuda: "12.4",
    base: "nvcr.io/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04",
  },
} as const;

export type InferenceAmi = keyof typeof INFERENCE_AMIS;
