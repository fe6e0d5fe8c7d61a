import { expect, test } from "vitest";
import { philox4x32 } from "../../../lib/generation/sampling/philox.ts";

/** Golden vectors of Random123 v1.14.0, tests/kat_vectors, "philox4x32 10": counter, key, and the resulting words. */
test.each([
  ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
])("counter %s under key %s gives the published words", (counter, key, expected) => {
  const words = (text: string) => text.split(" ").map((word) => Number.parseInt(word, 16));
  const block = Uint32Array.from(words(counter));
  const [key0, key1] = words(key);
  philox4x32(block, key0!, key1!);
  expect([...block]).toEqual(words(expected));
});
