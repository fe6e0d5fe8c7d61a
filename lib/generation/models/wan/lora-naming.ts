import type { LoraNaming } from "../lora-naming.ts";

/**
 * Parts of names in diffusers' checkpoints, and what Wan's authors call them. A name is changed by every entry that
 * matches, in this order.
 *
 * @see `convert_wan_to_diffusers.py` of diffusers 0.42.1, and wan/modules/model.py of Wan-Video/Wan2.2
 */
const RENAMED: readonly (readonly [own: RegExp, original: string])[] = [
  [/\battn1\./, "self_attn."],
  [/\battn2\./, "cross_attn."],
  [/\bto_([qkv])$/, "$1"],
  [/\bto_out\.0$/, "o"],
  [/\badd_([kv])_proj$/, "$1_img"],
  [/\bnorm_added_k$/, "norm_k_img"],
  [/\bffn\.net\.0\.proj$/, "ffn.0"],
  [/\bffn\.net\.2$/, "ffn.2"],
  // The authors' norm1 and norm2 have no weights.
  [/^(blocks\.\d+)\.norm2$/, "$1.norm3"],
  [/^(blocks\.\d+)\.scale_shift_table$/, "$1.modulation"],
  [/^scale_shift_table$/, "head.modulation"],
  [/^proj_out$/, "head.head"],
  [/^condition_embedder\.text_embedder\.linear_1$/, "text_embedding.0"],
  [/^condition_embedder\.text_embedder\.linear_2$/, "text_embedding.2"],
  [/^condition_embedder\.time_embedder\.linear_1$/, "time_embedding.0"],
  [/^condition_embedder\.time_embedder\.linear_2$/, "time_embedding.2"],
  [/^condition_embedder\.time_proj$/, "time_projection.1"],
  [/^condition_embedder\.image_embedder\.norm1$/, "img_emb.proj.0"],
  [/^condition_embedder\.image_embedder\.ff\.net\.0\.proj$/, "img_emb.proj.1"],
  [/^condition_embedder\.image_embedder\.ff\.net\.2$/, "img_emb.proj.3"],
  [/^condition_embedder\.image_embedder\.norm2$/, "img_emb.proj.4"],
];

export const wanLoraNaming: LoraNaming = {
  originalName: (layer) => RENAMED.reduce((name, [own, original]) => name.replace(own, original), layer),
  imageBranch:
    /(?:^|[._])(?:(?:norm_)?[kv]_img|img_emb|add_[kv]_proj|norm_added_[kq]|image_embedder)(?:[._]|$)/,
};
