import { expect, it } from "vitest";
import { entryKey } from "../../../lib/generation/lora/entry.ts";
import { layerNames } from "../../../lib/generation/lora/layer-names.ts";
import { loraNaming } from "../../../lib/generation/models/index.ts";

const LTX = [
  "proj_in.weight",
  "proj_in.bias",
  "time_embed.emb.timestep_embedder.linear_1.weight",
  "transformer_blocks.3.attn2.norm_k.weight",
  "transformer_blocks.3.attn1.to_out.0.weight",
];

it.each([
  ["diffusion_model.patchify_proj.lora_A.weight", "proj_in.weight"],
  ["diffusion_model.patchify_proj.diff_b", "proj_in.bias"],
  ["transformer.proj_in.lora_A.weight", "proj_in.weight"],
  [
    "diffusion_model.adaln_single.emb.timestep_embedder.linear_1.lora_B.weight",
    "time_embed.emb.timestep_embedder.linear_1.weight",
  ],
  ["diffusion_model.transformer_blocks.3.attn2.k_norm.diff", "transformer_blocks.3.attn2.norm_k.weight"],
  [
    "lora_unet_transformer_blocks_3_attn1_to_out_0.lora_down.weight",
    "transformer_blocks.3.attn1.to_out.0.weight",
  ],
  ["diffusion_model.transformer_blocks.4.attn1.to_out.0.lora_A.weight", undefined],
])("the entry %s of a LoRA for LTX-Video changes %s", (key, tensor) => {
  const names = layerNames(LTX, loraNaming({ className: "LTXVideoTransformer3DModel" }));
  expect(names.tensorOf(entryKey(key)!)).toBe(tensor);
});
