"""Writes test/golden/pipelines/wan-ti2v: a tiny random model like Wan 2.2 TI2V-5B and the output of diffusers 0.42.1.

    text      WanPipeline with expand_timesteps
    picture   WanImageToVideoPipeline with expand_timesteps, over the same folder

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0 pillow==12.3.0
    python tools/golden/pipeline_wan_ti2v.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/wan-ti2v

The text encoder is that of test/golden/pipelines/wan, and the autoencoder that of test/golden/models/
autoencoder-kl-wan-residual; the first is read, and neither is copied. The noise is that of lib/generation/sampling/noise.ts. Two runs write the
same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline, WanPipeline, WanTransformer3DModel
from PIL import Image
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

from models import randomise
from models_wan import TEXT_ROWS
from models_wan_residual import random_autoencoder
from pipeline_latte import noise
from pipeline_wan import PROMPT

FRAMES, HEIGHT, WIDTH = 9, 32, 64
SCHEDULER = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 5.0}
CASES = [
    {"steps": 3, "guidanceScale": 5.0, "prompt": PROMPT, "seed": 1, "hasPicture": False},
    {"steps": 4, "guidanceScale": 5.0, "prompt": PROMPT, "seed": 2, "hasPicture": True},
    {"steps": 3, "guidanceScale": 1.0, "prompt": "a red circle", "seed": 3, "hasPicture": True},
]


def random_transformer() -> WanTransformer3DModel:
    transformer = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=12, freq_dim=16,
        ffn_dim=40, num_layers=3, rope_max_seq_len=32,
    ).eval()  # fmt: skip
    randomise(transformer, torch.Generator().manual_seed(51))
    return transformer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/wan-ti2v"))
    parser.add_argument("--wan", type=Path, default=Path("test/golden/pipelines/wan"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    parts = {
        "text_encoder": UMT5EncoderModel.from_pretrained(args.wan / "text_encoder").eval(),
        "vae": random_autoencoder(23),
        "transformer": random_transformer(),
    }
    parts["transformer"].save_pretrained(args.out / "transformer")
    pixels = torch.randint(0, 256, (HEIGHT, WIDTH, 3), generator=torch.Generator().manual_seed(52), dtype=torch.uint8)
    picture = Image.fromarray(pixels.numpy())
    picture.save(args.out / "picture.png")
    vectors = {}
    for i, case in enumerate(CASES):
        pipeline_class = WanImageToVideoPipeline if case["hasPicture"] else WanPipeline
        pipeline = pipeline_class(
            tokenizer=tokenizer, scheduler=UniPCMultistepScheduler(**SCHEDULER), expand_timesteps=True, **parts
        )
        pipeline.set_progress_bar_config(disable=True)
        given = {"image": picture} if case["hasPicture"] else {}
        latents = noise(case["seed"], (1, 4, (FRAMES - 1) // 4 + 1, HEIGHT // 16, WIDTH // 16))
        shared = dict(
            prompt=case["prompt"], negative_prompt="", num_inference_steps=case["steps"], num_frames=FRAMES,
            guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH, max_sequence_length=TEXT_ROWS, **given,
        )  # fmt: skip
        vectors[f"{i}.latent"] = pipeline(output_type="latent", latents=latents.clone(), **shared).frames[0].contiguous()
        if i == 1:
            frames = pipeline(output_type="pt", latents=latents.clone(), **shared).frames[0]
            vectors[f"{i}.frames"] = frames.contiguous()  # [F, 3, H, W]
    (args.out / "cases.json").write_text(json.dumps({"scheduler": SCHEDULER, "cases": CASES}, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
