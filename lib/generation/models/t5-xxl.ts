import type { Config, PartSource, PublishedPart } from "./family.ts";

/** T5 v1.1 XXL, the text encoder of three families. */

/** Configuration without the class. UMT5 XXL has the same, except for its vocabulary. */
export const t5XXLConfig: Config = {
  vocab_size: 32_128,
  d_model: 4096,
  d_kv: 64,
  d_ff: 10_240,
  num_layers: 24,
  num_heads: 64,
  feed_forward_proj: "gated-gelu",
};

export const t5XXL: PublishedPart = { className: "T5EncoderModel", config: t5XXLConfig };

/*
 * Repositories and their files were written down without looking at the hub, which `models add` does: ids of T5's
 * copies and tokenizer.json of t5-base are from memory.
 */

/** Most repositories of T5 have its vocabulary as SentencePiece alone; every T5 has the same one, here as JSON. */
export const t5Tokenizer: PartSource = {
  part: "tokenizer",
  id: "google-t5/t5-base",
  folder: "",
  only: ["tokenizer.json"],
};

/** A repository with the encoder alone, in 16 bit and as safetensors, which the repositories of T5 v1.1 are not. */
const T5 = "THUDM/CogVideoX-2b";

export const t5Sources: readonly PartSource[] = [
  { part: "text_encoder", id: T5, folder: "text_encoder" },
  { part: "tokenizer", id: T5, folder: "tokenizer" },
];
