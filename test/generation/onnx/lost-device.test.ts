import { describe, expect, it, vi } from "vitest";
import { Graph, neg, openSession } from "../../../lib/generation/onnx/index.ts";

let message = "";

vi.mock("onnxruntime-node", () => ({
  listSupportedBackends: () => [{ name: "cuda" }],
  InferenceSession: { create: () => Promise.reject(new Error(message)) },
}));

/** Returns the fault of an opening that onnxruntime fails with these words. */
async function faultOf(words: string): Promise<unknown> {
  message = words;
  const graph = new Graph();
  graph.output("y", neg(graph.input("x", "float32", [2])));
  const error = await openSession(graph.build(), { provider: "cuda" }).catch((error: unknown) => error);
  return (error as { readonly fault: unknown }).fault;
}

const cuda = (number: number, what: string) =>
  `CUDA failure ${number}: ${what} ; GPU=0 ; hostname=worker ; file=cuda_call.cc ; line=63 ; expr=cudaSetDevice(0); `;

describe("an error of onnxruntime", () => {
  it.each([
    cuda(100, "no CUDA-capable device is detected"),
    cuda(214, "uncorrectable ECC error encountered"),
    cuda(700, "an illegal memory access was encountered"),
    cuda(719, "unspecified launch failure"),
    cuda(999, "unknown error"),
    "Device was lost.",
    "The device is lost",
  ])("the words %s tell of a lost device", async (words) => {
    expect(await faultOf(words)).toBe("device_lost");
  });

  it.each([
    cuda(2, "out of memory"),
    cuda(1, "invalid argument"),
    cuda(701, "too many resources requested for launch"),
    cuda(720, "too many blocks in cooperative launch"),
    "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0",
    "Failed to allocate memory for requested buffer of size 999",
  ])("the words %s tell of something else", async (words) => {
    expect(await faultOf(words)).toBeNull();
  });
});
