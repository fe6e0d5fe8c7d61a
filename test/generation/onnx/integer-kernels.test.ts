import { expect, test } from "vitest";
import { addsExactly } from "../../../lib/generation/onnx/integer-kernels.ts";

const described = (flags: string) =>
  `processor\t: 0\nmodel name\t: Some\nflags\t\t: fpu ${flags} sse2\nbugs\t\t: avx_vnni\n`;

test.each([
  ["avx avx2 fma", false],
  ["avx2 avx512f avx512bw avx512_vnni", true],
  ["avx512_vnni avx_vnni amx_tile amx_int8", true],
  ["avx2 avx_vnni", true],
  ["avx2 avx512f avx512bw", false],
])("a processor with the flags %s adds products of 8-bit integers exactly: %s", (flags, isExact) => {
  expect(addsExactly(described(flags))).toBe(isExact);
});

test("a processor that is not known is not trusted to add exactly", () => {
  expect(addsExactly(null)).toBe(false);
  expect(addsExactly("")).toBe(false);
});
