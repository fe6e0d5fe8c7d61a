"""Writes test/golden/layouts: tiny parts in every layout of weights that diffusers 0.42.1 and transformers 5.23.0 save.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/weight_layouts.py

Each layout has a part of diffusers (transformer) and one of transformers (text_encoder), always with the same weights:
plain, sharded, as the variant fp16, as that variant in shards, and side by side: without a variant in float32, as fp16 in
float16 and as bf16 in bfloat16 and shards. `wan` is a whole pipeline that WanPipeline saves. Two runs write the same bytes.
"""

import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

from models import randomise

TARGET = Path(__file__).parents[2] / "test/golden/layouts"
SHARD = "2KB"


def transformer() -> WanTransformer3DModel:
    return WanTransformer3DModel(
        num_attention_heads=1, attention_head_dim=6, in_channels=4, out_channels=4, text_dim=4, freq_dim=4, ffn_dim=6,
        num_layers=1,
    )  # fmt: skip


def text_encoder(config_class=T5Config, model_class=T5EncoderModel, vocab_size: int = 40):
    config = config_class(
        vocab_size=vocab_size, d_model=12, d_kv=6, num_heads=2, d_ff=20, num_layers=1, feed_forward_proj="gated-gelu"
    )
    return model_class(config)


def main() -> None:
    torch.set_num_threads(1)
    shutil.rmtree(TARGET, ignore_errors=True)
    parts = {"transformer": transformer(), "text_encoder": text_encoder()}
    generator = torch.Generator().manual_seed(8)
    for part in parts.values():
        randomise(part, generator)
    layouts = {
        "plain": [({}, torch.float32)],
        "sharded": [({"max_shard_size": SHARD}, torch.float32)],
        "variant": [({"variant": "fp16"}, torch.float32)],
        "variant-sharded": [({"variant": "fp16", "max_shard_size": SHARD}, torch.float32)],
        "side-by-side": [
            ({}, torch.float32), ({"variant": "fp16"}, torch.float16),
            ({"variant": "bf16", "max_shard_size": "2KB"}, torch.bfloat16),
        ],
    }  # fmt: skip
    for name, part in parts.items():
        state = {key: value.clone() for key, value in part.state_dict().items()}
        for layout, saved in layouts.items():
            for options, dtype in saved:
                part.load_state_dict(state)
                part.to(dtype).save_pretrained(TARGET / layout / name, safe_serialization=True, **options)
                part.to(torch.float32)
    pipeline = WanPipeline(
        tokenizer=None, text_encoder=text_encoder(UMT5Config, UMT5EncoderModel, 4), transformer=transformer(),
        vae=AutoencoderKLWan(base_dim=2, z_dim=4, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[True],
                             latents_mean=[0.0] * 4, latents_std=[1.0] * 4),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )  # fmt: skip
    pipeline.save_pretrained(TARGET / "wan", variant="fp16", max_shard_size=SHARD)
    files = sorted(path for path in TARGET.rglob("*") if path.is_file())
    for path in files:
        print(path.relative_to(TARGET), path.stat().st_size)
    print(sum(path.stat().st_size for path in files), "bytes")


if __name__ == "__main__":
    main()
