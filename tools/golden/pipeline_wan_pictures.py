"""Writes test/golden/pipelines/wan-pictures: tiny random models and the output of diffusers 0.42.1's
WanImageToVideoPipeline.

    pip install torch==2.15.0 torchvision==0.29.2 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0 pillow==13.0.0
    python tools/golden/pipeline_wan_pictures.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/wan-pictures

Each folder is what `save_pretrained` writes of a pipeline, except for the tokenizer, which is the demo model's and not
copied: `two` is like Wan 2.2 I2V A14B, `states` like Wan 2.1 I2V, and `between` like Wan 2.1 FLF2V. The noise is that of
lib/generation/sampling/noise.ts. Two runs write the same bytes.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline, WanTransformer3DModel
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    UMT5Config,
    UMT5EncoderModel,
)

from models import randomise
from models_wan import TEXT_ROWS
from pipeline_latte import noise

FRAMES, HEIGHT, WIDTH = 9, 32, 48
PROMPT = "a red circle moves fast to the left"
CHANNELS, RATE, CLIP_WIDTH, CLIP_TOKENS = 4, 4, 6, 5

CASES = {
    "two": [
        {"steps": 4, "guidanceScale": 3.5, "prompt": PROMPT, "negativePrompt": "a blue square", "seed": 1, "last": False},
        {"steps": 3, "guidanceScale": 1.0, "prompt": PROMPT, "negativePrompt": None, "seed": 2, "last": True},
    ],
    "states": [
        {"steps": 3, "guidanceScale": 5.0, "prompt": PROMPT, "negativePrompt": None, "seed": 3, "last": False},
        {"steps": 3, "guidanceScale": 1.0, "prompt": PROMPT, "negativePrompt": None, "seed": 4, "last": False},
    ],
    "between": [{"steps": 3, "guidanceScale": 5.5, "prompt": PROMPT, "negativePrompt": None, "seed": 5, "last": True}],
}  # fmt: skip
SHIFTS = {"two": 5.0, "states": 3.0, "between": 16.0}


def transformer(seed: int, **config) -> WanTransformer3DModel:
    model = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=2 * CHANNELS + RATE, out_channels=CHANNELS,
        text_dim=12, freq_dim=16, ffn_dim=40, num_layers=2, rope_max_seq_len=32, **config,
    ).eval()  # fmt: skip
    randomise(model, torch.Generator().manual_seed(seed))
    return model


def parts_of(kind: str, tokens: int) -> dict:
    text_encoder = UMT5EncoderModel(
        UMT5Config(
            vocab_size=tokens, d_model=12, d_kv=6, num_heads=2, d_ff=20, num_layers=1, feed_forward_proj="gated-gelu",
            dropout_rate=0.0, attn_implementation="eager",
        )  # fmt: skip
    )
    vae = AutoencoderKLWan(
        base_dim=4, z_dim=CHANNELS, dim_mult=[1, 1, 1, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[-0.7, 0.1, 0.9, -0.2], latents_std=[2.8, 1.4, 0.5, 1.9],
    )  # fmt: skip
    generator = torch.Generator().manual_seed(51)
    for module in (text_encoder, vae):
        randomise(module.eval(), generator)
    parts = {"text_encoder": text_encoder, "vae": vae}
    if kind == "two":
        return parts | {"transformer": transformer(52), "transformer_2": transformer(53), "boundary_ratio": 0.9}
    image_encoder = CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=CLIP_WIDTH, intermediate_size=10, num_hidden_layers=2, num_attention_heads=2, image_size=28,
            patch_size=14, hidden_act="gelu", attention_dropout=0.0, attn_implementation="eager",
        )  # fmt: skip
    ).eval()
    randomise(image_encoder, generator)
    processor = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    states = {"image_dim": CLIP_WIDTH, "added_kv_proj_dim": 32}
    if kind == "between":
        states["pos_embed_seq_len"] = 2 * CLIP_TOKENS
    return parts | {"image_encoder": image_encoder, "image_processor": processor, "transformer": transformer(54, **states)}


def picture(seed: int, width: int, height: int) -> Image.Image:
    """Returns a picture of smooth colours in which no two rows or columns are the same."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 7, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)[0]
    return Image.fromarray((smooth.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/wan-pictures"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    first, last = picture(1, 72, 48), picture(2, 36, 24)
    first.save(args.out / "first.png")
    last.save(args.out / "last.png")
    for kind, cases in CASES.items():
        scheduler = UniPCMultistepScheduler(
            use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=SHIFTS[kind]
        )
        pipeline = WanImageToVideoPipeline(tokenizer=tokenizer, scheduler=scheduler, **parts_of(kind, len(tokenizer)))
        pipeline.set_progress_bar_config(disable=True)
        folder = args.out / kind
        pipeline.save_pretrained(folder)
        shutil.rmtree(folder / "tokenizer")
        vectors = {}
        for i, case in enumerate(cases):
            latents = noise(case["seed"], (1, CHANNELS, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8))
            run = lambda output: pipeline(
                first, case["prompt"], last_image=last if case["last"] else None,
                negative_prompt=case["negativePrompt"] or "", num_inference_steps=case["steps"], num_frames=FRAMES,
                guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH, max_sequence_length=TEXT_ROWS,
                latents=latents.clone(), output_type=output,
            ).frames[0]  # fmt: skip
            vectors[f"{i}.latent"] = run("latent").contiguous()
            if i == 0:
                vectors["0.frames"] = run("pt").contiguous()  # [F, 3, H, W]
        index = json.loads((folder / "model_index.json").read_text())
        index["video"] = {
            "sizes": [[WIDTH, HEIGHT]], "frames": [FRAMES], "fps": [16], "steps": 50, "guidance_scale": 5.0,
            "takes_image": True, "needs_image": True,
            **({} if kind == "states" else {"takes_last_image": True}),
        }  # fmt: skip
        (folder / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")
        (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
        save_file(vectors, folder / "vectors.safetensors")


if __name__ == "__main__":
    main()
