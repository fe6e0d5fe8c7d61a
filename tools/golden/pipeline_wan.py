"""Writes test/golden/pipelines/wan: a tiny random model folder and the output of diffusers 0.42.1's WanPipeline.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_wan.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/wan

The folder is a model like Wan2.1, except for its tokenizer, which is the demo model's and not copied. The noise is that
of lib/generation/sampling/noise.ts. Two runs write the same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

from models import randomise
from models_wan import TEXT_ROWS
from pipeline_latte import noise

FRAMES, HEIGHT, WIDTH = 9, 32, 48
SCHEDULERS = {
    "UniPCMultistepScheduler": UniPCMultistepScheduler,
    "FlowMatchEulerDiscreteScheduler": FlowMatchEulerDiscreteScheduler,
}
PROMPT = "a red circle moves fast to the left"
CASES = [
    {"className": "UniPCMultistepScheduler",
     "config": {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0},
     "steps": 4, "guidanceScale": 5.0, "prompt": PROMPT, "negativePrompt": None, "seed": 1},
    {"className": "FlowMatchEulerDiscreteScheduler", "config": {"shift": 5.0},
     "steps": 3, "guidanceScale": 2.0, "prompt": "a red circle", "negativePrompt": PROMPT, "seed": 2},
]  # fmt: skip


def random_parts(tokens: int) -> dict[str, torch.nn.Module]:
    transformer = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=12, freq_dim=16,
        ffn_dim=40, num_layers=2, rope_max_seq_len=32,
    )  # fmt: skip
    text_encoder = UMT5EncoderModel(
        UMT5Config(
            vocab_size=tokens, d_model=12, d_kv=6, num_heads=2, d_ff=20, num_layers=2, feed_forward_proj="gated-gelu",
            dropout_rate=0.0, attn_implementation="eager",
        )  # fmt: skip
    )
    vae = AutoencoderKLWan(
        base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[-0.7, 0.1, 0.9, -0.2], latents_std=[2.8, 1.4, 0.5, 1.9],
    )  # fmt: skip
    generator = torch.Generator().manual_seed(41)
    parts = {"transformer": transformer.eval(), "text_encoder": text_encoder.eval(), "vae": vae.eval()}
    for module in parts.values():
        randomise(module, generator)
    return parts


def keep_decoder(file: Path) -> None:
    """Drops the encoder, which is as large as the decoder and never read."""
    weights = {k: v for k, v in load_file(file).items() if not k.startswith(("encoder.", "quant_conv."))}
    save_file(weights, file, metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/wan"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    parts = random_parts(len(tokenizer))
    for name, module in parts.items():
        module.save_pretrained(args.out / name)
    keep_decoder(args.out / "vae/diffusion_pytorch_model.safetensors")
    vectors = {}
    for i, case in enumerate(CASES):
        scheduler = SCHEDULERS[case["className"]](**case["config"])
        pipeline = WanPipeline(tokenizer=tokenizer, scheduler=scheduler, **parts)
        pipeline.set_progress_bar_config(disable=True)
        latents = noise(case["seed"], (1, 4, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8))
        shared = dict(
            negative_prompt=case["negativePrompt"] or "", num_inference_steps=case["steps"], num_frames=FRAMES,
            guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH, max_sequence_length=TEXT_ROWS,
        )  # fmt: skip
        latent = pipeline(case["prompt"], output_type="latent", latents=latents.clone(), **shared).frames[0]
        vectors[f"{i}.latent"] = latent.contiguous()
        if i == 0:
            frames = pipeline(case["prompt"], output_type="pt", latents=latents.clone(), **shared).frames[0]
            vectors["0.frames"] = frames.contiguous()  # [F, 3, H, W]
    (args.out / "scheduler").mkdir(parents=True, exist_ok=True)
    (args.out / "scheduler/scheduler_config.json").write_text(json.dumps(CASES[0]["config"], indent=1) + "\n")
    index = {
        "_class_name": "WanPipeline",
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "scheduler": ["diffusers", CASES[0]["className"]],
        "video": {"sizes": [[WIDTH, HEIGHT]], "frames": [FRAMES], "fps": [16], "steps": 50, "guidance_scale": 5.0},
    }
    (args.out / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")
    (args.out / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
