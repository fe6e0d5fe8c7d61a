import { add, attention, gelu, layerNorm, linear, rmsNorm, type Value } from "../../onnx/index.ts";
import { affine, wholeBatch } from "../blocks.ts";
import type { PictureStates } from "../conditions/pictures.ts";
import type { VideoShape } from "../diffusion-transformer.ts";
import type { TensorNames } from "../family.ts";

/**
 * Branch of Wan 2.1's image-to-video transformers in which every block also attends to the states of pictures, with the
 * key names of diffusers' WanTransformer3DModel.
 *
 * In shapes B is the batch, N tokens, D the width, and P the rows of all pictures.
 */

const EMBEDDER = "condition_embedder.image_embedder";

/** Term in the normalisation of the states, which no configuration names. */
const EPS = 1e-5;

/** Rows of states for each picture: those of CLIP's ViT-H/14 at 224x224 pixels. */
const TOKENS = 257;

/** Members of a configuration that describe the branch. */
export interface ImageBranchConfig {
  readonly image_dim?: number | null | undefined;
  readonly pos_embed_seq_len?: number | null | undefined;
}

/**
 * Returns the states of pictures that a transformer attends to; null if it attends to none. A configuration may
 * describe the branch although its checkpoint does not have it, so that names decide where they are known.
 *
 * @throws RangeError if the states of both pictures do not have as many rows as positions were learnt
 */
export function pictureStates(
  { image_dim, pos_embed_seq_len }: ImageBranchConfig,
  { pictureTokens: tokens = TOKENS }: VideoShape,
  names?: TensorNames,
): PictureStates | null {
  if (!image_dim || names?.has(`${EMBEDDER}.norm1.weight`) === false) return null;
  if (!pos_embed_seq_len) return { pictures: 1, tokens, width: image_dim };
  if (pos_embed_seq_len === 2 * tokens) return { pictures: 2, tokens, width: image_dim };
  throw new RangeError(
    `This transformer takes ${pos_embed_seq_len} rows of states of two pictures, and its image encoder gives ${tokens} of each.`,
  );
}

/** Embeds the states of pictures [1, P, width] to [1, P, D]. */
export function embedStates(states: Value, D: number, { pos_embed_seq_len }: ImageBranchConfig): Value {
  const g = states.graph;
  return g.scope("image_embedder", () => {
    const [, P, width] = states.shape as [number, number, number];
    const positions = pos_embed_seq_len ? g.weight(`${EMBEDDER}.pos_embed`, [1, P, width]) : 0;
    const inner = norm(add(states, positions), `${EMBEDDER}.norm1`);
    const hidden = gelu(linear(inner, ...affine(g, `${EMBEDDER}.ff.net.0.proj`, width, width)), "none");
    return norm(linear(hidden, ...affine(g, `${EMBEDDER}.ff.net.2`, D, width)), `${EMBEDDER}.norm2`);
  });
}

function norm(x: Value, name: string): Value {
  const [g, width] = [x.graph, x.shape[2]!];
  return layerNorm(x, {
    eps: EPS,
    weight: g.weight(`${name}.weight`, [width]),
    bias: g.weight(`${name}.bias`, [width]),
  });
}

/**
 * Applies cross-attention to embedded states of pictures [1, P, D], which both halves of the batch share. Returns what
 * is added to the attention to the text, before its output layer.
 *
 * @param q queries of the attention to the text [B, N, D]
 */
export function attendToPictures(
  q: Value,
  states: Value,
  name: string,
  { heads, eps }: { readonly heads: number; readonly eps: number },
): Value {
  const [g, D] = [q.graph, q.shape[2]!];
  const project = (part: "k" | "v") => linear(states, ...affine(g, `${name}.add_${part}_proj`, D, D));
  const k = rmsNorm(project("k"), g.weight(`${name}.norm_added_k.weight`, [D]), { eps });
  return attention({ q, k: wholeBatch(k, q), v: wholeBatch(project("v"), q), heads });
}
