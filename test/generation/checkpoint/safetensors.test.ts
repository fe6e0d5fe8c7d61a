import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointError } from "../../../lib/generation/checkpoint/index.ts";
import { readSafetensors, type StoredTensor } from "../../../lib/generation/checkpoint/safetensors.ts";
import { safetensors, temporaryFolder } from "./safetensors-file.ts";

const folder = temporaryFolder();
const path = join(folder, "model.safetensors");

function read(bytes: Uint8Array): Promise<Map<string, StoredTensor>> {
  writeFileSync(path, bytes);
  return readSafetensors(path);
}

const entry = (dtype: string, shape: unknown, ...offsets: unknown[]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

test("tensors are found with type, shape and place, in any order, also empty and scalar ones", async () => {
  const header = {
    __metadata__: { format: "pt" },
    last: entry("F16", [2, 3], 4, 16),
    first: entry("F32", [], 0, 4),
    none: entry("I64", [0, 7], 16, 16),
  };
  const bytes = safetensors(header, new Uint8Array(16));
  const dataOffset = bytes.length - 16;
  expect([...(await read(bytes))]).toEqual([
    ["last", { dtype: "F16", shape: [2, 3], offset: dataOffset + 4, byteLength: 12 }],
    ["first", { dtype: "F32", shape: [], offset: dataOffset, byteLength: 4 }],
    ["none", { dtype: "I64", shape: [0, 7], offset: dataOffset + 16, byteLength: 0 }],
  ]);
});

test("a header padded with spaces is read", async () => {
  const bytes = safetensors(`${JSON.stringify({ a: entry("U8", [1], 0, 1) })}     `, new Uint8Array(1));
  expect([...(await read(bytes)).keys()]).toEqual(["a"]);
});

describe("a malformed safetensors file", () => {
  const huge = Buffer.alloc(16);
  huge.writeBigUInt64LE(2n ** 63n);
  const deep = `{"a": ${"[".repeat(100)}${"]".repeat(100)}}`;
  const one = '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
  const twice = `{${one},${one}}`;
  const tile = new Uint8Array(8);
  const cases: [string, Uint8Array, RegExp][] = [
    ["an empty file", Buffer.alloc(0), /not a safetensors file, it has 0 bytes$/],
    [
      "a page of a website",
      Buffer.from("<!DOCTYPE html><html><body>Sign in</body></html>"),
      /not a safetensors file but a page of a website saved under this name, .*: download it again, signed in/,
    ],
    [
      "a pointer of Git LFS",
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"),
      /not a safetensors file but a pointer of Git LFS in place of the file: get the file itself with git lfs pull/,
    ],
    [
      "a GGUF file",
      Buffer.from("GGUF\u0003\0\0\0\0"),
      /not a safetensors file but a GGUF file, which is not read/,
    ],
    [
      "a zip",
      Buffer.from("PK\u0003\u0004\u0014\0\b\b\0\0"),
      /not a safetensors file but a PyTorch checkpoint/,
    ],
    ["an answer of a server", Buffer.from('{"error": "Not Found"}'), /not a safetensors file but JSON text/],
    ["half a length", Buffer.alloc(5), /not a safetensors file, it has 5 bytes$/],
    ["a huge header", huge, /not a safetensors file, its header would be 9223372036854775808 bytes long$/],
    [
      "a cut header",
      safetensors("{}".padEnd(400)).subarray(0, 100),
      /truncated, its header needs 408 bytes and the file has 100$/,
    ],
    ["an empty header", safetensors(""), /the header has no valid value at character 0$/],
    ["text", safetensors("hello"), /the header has no valid value at character 0$/],
    ["a list", safetensors("[]"), /the header is not a JSON object$/],
    ["leading space", safetensors(" {}"), /the header is not a JSON object$/],
    ["bytes that are not UTF-8", safetensors("{}").fill(0xff, 8), /the header is not UTF-8$/],
    ["deep nesting", safetensors(deep), /the header is nested deeper than 3 levels$/],
    ["a duplicate name", safetensors(twice, new Uint8Array(1)), /the header has the key "a" twice$/],
    [
      "metadata of another kind",
      safetensors({ __metadata__: { a: 1 } }),
      /__metadata__ is not a map of strings$/,
    ],
    [
      "an unknown dtype",
      safetensors({ a: entry("F128", [1], 0, 16) }),
      /tensor "a" has the unknown dtype "F128"$/,
    ],
    [
      "an inherited dtype",
      safetensors({ a: entry("constructor", [1], 0, 1) }),
      /has the unknown dtype "constructor"$/,
    ],
    [
      "a missing field",
      safetensors({ a: { dtype: "U8", shape: [1] } }),
      /tensor "a" is not \{dtype, shape, data_offsets\}$/,
    ],
    [
      "a negative size",
      safetensors({ a: entry("U8", [-1, -8], 0, 8) }, tile),
      /tensor "a" has an impossible shape$/,
    ],
    ["a fraction", safetensors({ a: entry("U8", [0.5], 0, 8) }, tile), /tensor "a" has an impossible shape$/],
    [
      "too many axes",
      safetensors({ a: entry("U8", Array(9).fill(1), 0, 1) }, tile),
      /tensor "a" has an impossible shape$/,
    ],
    [
      "reversed offsets",
      safetensors({ a: entry("U8", [8], 8, 0) }, tile),
      /tensor "a" has impossible data_offsets$/,
    ],
    [
      "an overflowing shape",
      safetensors({ a: entry("U8", [2 ** 52, 2 ** 52], 0, 8) }, tile),
      /needs 20282409603651670423947251286016 bytes and has 8$/,
    ],
    [
      "a shape past integers",
      safetensors({ a: entry("U8", [2 ** 53, 0], 0, 0) }),
      /tensor "a" has an impossible shape$/,
    ],
    [
      "a wrong length",
      safetensors({ a: entry("F32", [3], 0, 8) }, tile),
      /tensor "a" needs 12 bytes and has 8$/,
    ],
    [
      "an overlap",
      safetensors({ a: entry("U8", [5], 0, 5), b: entry("U8", [4], 4, 8) }, tile),
      /tensor "b" overlaps another one$/,
    ],
    [
      "a gap",
      safetensors({ a: entry("U8", [3], 0, 3), b: entry("U8", [4], 4, 8) }, tile),
      /there is a gap of 1 bytes before tensor "b"$/,
    ],
    [
      "missing data",
      safetensors({ a: entry("U8", [9], 0, 9) }, tile),
      /truncated, its tensors end at byte \d+ and the file has \d+$/,
    ],
    [
      "data of nobody",
      safetensors({ a: entry("U8", [7], 0, 7) }, tile),
      /1 bytes after the last tensor belong to none$/,
    ],
  ];

  test.each(cases)(
    "a malformed file is refused in one sentence with its name: %s",
    async (_, bytes, reason) => {
      const fault = await read(bytes).then(
        () => expect.unreachable("the file was accepted"),
        (error: unknown) => error as Error,
      );
      expect(fault).toBeInstanceOf(CheckpointError);
      expect(fault.message.startsWith(`${path}: `)).toBe(true);
      expect(fault.message).toMatch(reason);
      expect(fault.message).not.toContain("\n");
    },
  );

  test("a missing file, a folder and a pipe are refused in one sentence", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const gone = join(folder, "gone");
    await expect(readSafetensors(gone)).rejects.toThrow(new CheckpointError(gone, "no such file or folder"));
    await expect(readSafetensors(folder)).rejects.toThrow(new CheckpointError(folder, "not a regular file"));
    await expect(readSafetensors(pipe)).rejects.toThrow(new CheckpointError(pipe, "not a regular file"));
  });
});

const validFile = fc
  .array(
    fc.tuple(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("U8", "F16", "F32", "I64"),
      fc.array(fc.nat(3), { maxLength: 3 }),
    ),
  )
  .map((tensors) => {
    const widths: Record<string, number> = { U8: 1, F16: 2, F32: 4, I64: 8 };
    const header: [string, unknown][] = [];
    let end = 0;
    for (const [name, dtype, shape] of new Map(tensors.map((tensor) => [tensor[0], tensor])).values()) {
      if (name === "__metadata__") continue;
      const byteLength = shape.reduce((count, size) => count * size, widths[dtype]!);
      header.push([name, entry(dtype, shape, end, end + byteLength)]);
      end += byteLength;
    }
    const text = `{${header.map((pair) => pair.map((part) => JSON.stringify(part)).join(":")).join()}}`;
    return { names: header.map(([name]) => name), bytes: safetensors(text, new Uint8Array(end)) };
  });

test("every well-formed file is accepted, with all its names", async () => {
  await fc.assert(
    fc.asyncProperty(validFile, async ({ names, bytes }) => {
      expect([...(await read(bytes)).keys()]).toEqual(names);
    }),
  );
});

test("a corrupted file is refused with CheckpointError or proves to lie within itself", async () => {
  const edit = fc.record({ place: fc.nat(), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(validFile, fc.array(edit, { maxLength: 6 }), fc.nat(), async ({ bytes }, edits, cut) => {
      for (const { place, byte } of edits) bytes[place % bytes.length] = byte;
      writeFileSync(path, bytes);
      if (cut % 3 === 0) truncateSync(path, cut % bytes.length);
      const size = cut % 3 === 0 ? cut % bytes.length : bytes.length;
      try {
        for (const { offset, byteLength } of (await readSafetensors(path)).values()) {
          expect(offset).toBeGreaterThanOrEqual(8);
          expect(offset + byteLength).toBeLessThanOrEqual(size);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a corrupted header text is refused with CheckpointError or read", async () => {
  const token = fc.constantFrom(
    '"a"',
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "0",
    "-1",
    "1e400",
    "null",
    '"F32"',
    '"dtype"',
    '"shape"',
    '"data_offsets"',
    "9007199254740993",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(token, { maxLength: 30 }), async (tokens) => {
      await read(safetensors(`{${tokens.join("")}`, new Uint8Array(4))).catch((error: unknown) => {
        expect(error).toBeInstanceOf(CheckpointError);
      });
    }),
    { numRuns: 1000 },
  );
});
