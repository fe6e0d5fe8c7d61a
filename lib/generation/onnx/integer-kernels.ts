import { readFileSync } from "node:fs";

/** Flags of processors that add products of 8-bit integers in 32 bits. Processors with AMX have the first one too. */
const VNNI = /^flags\s*:.*\b(avx512_vnni|avx_vnni)\b/m;

/**
 * Tells if the runtime's fastest product of unsigned and signed 8-bit integers is exact on a processor. Without VNNI it
 * adds in 16 bits, and cuts off what is too large. Where that cannot be told, the answer is no.
 *
 * @param description  `/proc/cpuinfo` of Linux; null for a processor that is not known
 */
export function addsExactly(description: string | null = describedProcessor()): boolean {
  return description !== null && VNNI.test(description);
}

let described: string | null | undefined;

/** Reads what Linux says of the processor, once; null elsewhere. */
function describedProcessor(): string | null {
  if (described !== undefined) return described;
  try {
    described = readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    described = null;
  }
  return described;
}
