import { describe, expect, test } from "vitest";
import { describeInstructions } from "../../tools/bench/machine.ts";

describe("the instruction sets of a processor", () => {
  test("a processor with AVX2 alone is said to lack what makes 16-bit and 8-bit products fast", () => {
    expect(describeInstructions(["fma", "avx2"])).toBe(
      "Instruction sets: AVX2. It lacks AVX-512, VNNI, AMX, bfloat16, float16.",
    );
  });

  test("a processor with AMX has bfloat16, whichever unit computes it", () => {
    const flags = ["avx2", "avx512f", "avx512_vnni", "amx_tile", "amx_bf16", "avx512_fp16"];
    expect(describeInstructions(flags)).toBe(
      "Instruction sets: AVX2, AVX-512, VNNI, AMX, bfloat16, float16.",
    );
  });

  test("an Arm processor is described by the sets of Arm", () => {
    expect(describeInstructions(["asimd", "i8mm"])).toBe(
      "Instruction sets: NEON, int8 products of Arm. It lacks bfloat16, float16.",
    );
  });
});
