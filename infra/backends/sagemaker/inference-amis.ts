/** Inference AMIs of SageMaker whose driver is new enough, each with the newest CUDA that its driver supports. */
export const INFERENCE_AMIS = {
  "al2023-ami-sagemaker-inference-gpu-4-1": { driver: 580, cuda: "13.0" },
  "al2-ami-sagemaker-inference-gpu-3-1": { driver: 550, cuda: "12.4" },
} as const;

export type InferenceAmi = keyof typeof INFERENCE_AMIS;
