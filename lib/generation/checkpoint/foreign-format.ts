/** Beginnings of files that are mistaken for safetensors, with what they are and what to do. */
const BEGINNINGS: readonly (readonly [beginning: RegExp, what: string])[] = [
  [
    /^version https:\/\/git-lfs/,
    "a pointer of Git LFS in place of the file: get the file itself with git lfs pull, or download it again",
  ],
  [
    /^\s*<(!doctype|html|\?xml|head|body|error)/i,
    "a page of a website saved under this name, as servers send in place of a file: download it again, signed in if " +
      "the file is not public",
  ],
  [/^GGUF/, "a GGUF file, which is not read: take the safetensors in float16, bfloat16 or float32"],
  [
    /^(PK\p{Cc}\p{Cc}|\x80\p{Cc})/u, // a zip, or a pickle
    "a PyTorch checkpoint, which can hold code and is never opened: take safetensors, or save the model with " +
      "safe_serialization=True",
  ],
  [/^\s*\{/, "JSON text in place of weights: download it again"],
];

/**
 * Says what a file is by its first bytes, and what to do; undefined if they are not those of a known other format. The
 * text continues a sentence that begins with the file's path.
 */
export function foreignFormat(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
  const known = BEGINNINGS.find(([beginning]) => beginning.test(text));
  return known && `not a safetensors file but ${known[1]}`;
}
