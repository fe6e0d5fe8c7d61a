/**
 * Base image of machines with a GPU. Of CUDA it has the runtime alone: the Dockerfile adds the libraries that onnxruntime
 * opens. onnxruntime's CUDA 12 provider needs CUDA 12.8 or later (tools/cuda-pairs).
 */
export const CUDA_BASE = "nvcr.io/nvidia/cuda:12.9.1-base-ubuntu24.04";

/** Base image of machines without a GPU. */
export const CPU_BASE = "public.ecr.aws/docker/library/ubuntu:24.04";
