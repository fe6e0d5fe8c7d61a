import type { Config, PartSource, PublishedPart } from "./family.ts";

/** T5 v1.1 XXL, the text encoder of three families. */

/** Configuration of T5 v1.1 XXL; UMT5 XXL differs only in its class and its vocabulary. */
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
 * The repositories with copies of T5, and tokenizer.json of t5-base, are from memory: they have not been checked on the
 * hub.
 */

/**
 * Source of the vocabulary of T5 as JSON. Every T5 has the same vocabulary, but most repositories have it only as
 * SentencePiece.
 */
export const t5Tokenizer: PartSource = {
  part: "tokenizer",
  id: "google-t5/t5-base",
  folder: "",
  only: ["tokenizer.json"],
};

/** Repository with the encoder alone, in 16 bit and as safetensors, which the repositories of T5 v1.1 do not offer. */
const T5 = "THUDM/CogVideoX-2b";

export const t5Sources: readonly PartSource[] = [
  { part: "text_encoder", id: T5, folder: "text_encoder" },
  { part: "tokenizer", id: T5, folder: "tokenizer" },
];
