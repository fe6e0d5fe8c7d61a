import type { LoraNaming } from "../lora-naming.ts";

/** Parts of names in diffusers' checkpoints, and what LTX-Video's authors call them; all others are the same. */
const RENAMED: readonly (readonly [own: RegExp, original: string])[] = [
  [/^proj_in$/, "patchify_proj"],
  [/^time_embed\./, "adaln_single."],
  [/\bnorm_([qk])$/, "$1_norm"],
];

/** @see `convert_ltx_to_diffusers.py` of diffusers 0.42.1 */
export const ltxLoraNaming: LoraNaming = {
  originalName: (layer) => RENAMED.reduce((name, [own, original]) => name.replace(own, original), layer),
};
