"""Writes test/golden/pipelines/latte: a tiny random model folder and the output of diffusers 0.42.1's LattePipeline.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_latte.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/latte

The folder is a model like Latte-1, except for its tokenizer, which is the demo model's and not copied. The noise is that
of lib/generation/sampling/noise.ts, computed here from its definition. Two runs write the same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, LattePipeline, LatteTransformer3DModel, PNDMScheduler
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from models import randomise
from models_latte import FIXED

FRAMES, HEIGHT, WIDTH = 3, 24, 32
SCHEDULERS = {"DDIMScheduler": DDIMScheduler, "PNDMScheduler": PNDMScheduler}
PROMPT = "a red circle moves fast to the left"
# A negative prompt longer than its prompt is truncated.
CASES = [
    {"className": "DDIMScheduler", "config": {"clip_sample": False}, "steps": 5,
     "guidanceScale": 7.5, "prompt": PROMPT, "negativePrompt": None, "seed": 1},
    {"className": "PNDMScheduler", "config": {}, "steps": 4, "guidanceScale": 3.0, "prompt": PROMPT,
     "negativePrompt": "a blue square", "seed": 2},
    {"className": "DDIMScheduler", "config": {"clip_sample": False, "steps_offset": 1, "set_alpha_to_one": False},
     "steps": 3, "guidanceScale": 2.0, "prompt": "a red circle", "negativePrompt": PROMPT, "seed": 3},
]  # fmt: skip


def philox4x32(counter: int, key: int, stream: int = 0) -> list[int]:
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    word = 0xFFFFFFFF
    x0, x1, x2, x3 = counter & word, counter >> 32, stream, 0
    k0, k1 = key & word, key >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (p1 >> 32) ^ x1 ^ k0, p1 & word, (p0 >> 32) ^ x3 ^ k1, p0 & word
        k0, k1 = (k0 + 0x9E3779B9) & word, (k1 + 0xBB67AE85) & word
    return [x0, x1, x2, x3]


def noise(seed: int, shape: tuple[int, ...], stream: int = 0) -> torch.Tensor:
    count = torch.Size(shape).numel()
    words = [word for block in range((count + 3) // 4) for word in philox4x32(block, seed, stream)]
    quantiles = (torch.tensor(words[:count], dtype=torch.float64) + 0.5) / 2**32
    return torch.special.ndtri(quantiles).float().reshape(shape)


def random_parts(tokens: int) -> dict[str, torch.nn.Module]:
    transformer = LatteTransformer3DModel(
        **FIXED, num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2,
        cross_attention_dim=16, sample_size=8, patch_size=2, norm_eps=1e-6, caption_channels=12, video_length=FRAMES,
    )  # fmt: skip
    text_encoder = T5EncoderModel(
        T5Config(
            vocab_size=tokens, d_model=12, d_kv=6, num_heads=2, d_ff=20, num_layers=2, feed_forward_proj="gated-gelu",
            tie_word_embeddings=False, dropout_rate=0.0, attn_implementation="eager",
        )  # fmt: skip
    )
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
        block_out_channels=[8, 12], layers_per_block=1, norm_num_groups=4, scaling_factor=0.18215, sample_size=16,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(31)
    parts = {"transformer": transformer.eval(), "text_encoder": text_encoder.eval(), "vae": vae.eval()}
    for module in parts.values():
        randomise(module, generator)
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/latte"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    parts = random_parts(len(tokenizer))
    for name, module in parts.items():
        module.save_pretrained(args.out / name)
    vectors = {}
    for i, case in enumerate(CASES):
        scheduler = SCHEDULERS[case["className"]](**case["config"])
        pipeline = LattePipeline(tokenizer=tokenizer, scheduler=scheduler, **parts)
        pipeline.set_progress_bar_config(disable=True)
        shared = dict(
            negative_prompt=case["negativePrompt"] or "", num_inference_steps=case["steps"],
            guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH, video_length=FRAMES, clean_caption=False,
            latents=noise(case["seed"], (1, 4, FRAMES, HEIGHT // 2, WIDTH // 2)),
        )  # fmt: skip
        latent = pipeline(case["prompt"], output_type="latent", **shared).frames[0]
        frames = pipeline(case["prompt"], output_type="pt", **shared).frames[0]  # [F, 3, H, W]
        vectors |= {f"{i}.latent": latent.contiguous(), f"{i}.frames": frames.contiguous()}
    (args.out / "scheduler").mkdir(parents=True, exist_ok=True)
    (args.out / "scheduler/scheduler_config.json").write_text(json.dumps(CASES[0]["config"], indent=1) + "\n")
    index = {
        "_class_name": "LattePipeline",
        "transformer": ["diffusers", "LatteTransformer3DModel"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", CASES[0]["className"]],
        "video": {"sizes": [[WIDTH, HEIGHT]], "frames": [FRAMES], "fps": [8], "steps": 50, "guidance_scale": 7.5},
    }
    (args.out / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")
    (args.out / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
