import { cpus } from "node:os";
import { expect, it } from "vitest";
import { workerKind } from "../../functions/gpu/worker-kind.ts";

const CUDA = { provider: "cuda", precision: "float16" } as const;

it("workers whose processors are alike are of other kinds if their GPUs are others", () => {
  const [slow, fast] = ["NVIDIA L4", "NVIDIA L40S"].map((gpu) => workerKind({ ...CUDA, gpu }));
  expect(slow).not.toBe(fast);
  expect(workerKind({ ...CUDA, gpu: "NVIDIA L4" })).toBe(slow);
});

it("a kind names provider, precision, GPU and processor, and the GPU only where it is known", () => {
  expect(workerKind({ ...CUDA, gpu: "NVIDIA L4" })).toMatch(/^cuda, float16, NVIDIA L4, .* x \d+$/);
  const cpu = workerKind({ provider: "cpu", precision: "float32", gpu: null });
  expect(cpu).toBe(`cpu, float32, ${cpus()[0]!.model.trim()} x ${cpus().length}`);
});
