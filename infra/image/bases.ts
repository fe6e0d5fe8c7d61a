/**
 * Base image of machines with a GPU. It has the runtime of CUDA alone, to which the Dockerfile adds the libraries that
 * onnxruntime opens. The CUDA 12 provider of onnxruntime needs CUDA 12.8 or later (tools/cuda-pairs).
 */
export const CUDA_BASE = "nvcr.io/nvidia/cuda:12.9.1-base-ubuntu24.04";

/** Base image of machines without a GPU. */
export const CPU_BASE = "public.ecr.aws/docker/library/ubuntu:24.04";
