"""Writes test/golden/pipelines/wan-two-transformers: the output of diffusers 0.42.1's WanPipeline as for Wan 2.2 A14B.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_wan_two.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/wan-two-transformers

The model is that of test/golden/pipelines/wan and a second transformer, which alone is stored here. Two runs write the
same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast

from models import randomise
from models_wan import TEXT_ROWS
from pipeline_latte import noise
from pipeline_wan import CASES as ONE, FRAMES, HEIGHT, PROMPT, WIDTH, random_parts

BOUNDARY_RATIO = 0.875
SCHEDULER = {**ONE[0]["config"], "flow_shift": 12.0}
CASES = [
    {"steps": 6, "guidanceScale": 4.0, "guidanceScale2": 3.0, "prompt": PROMPT, "negativePrompt": None, "seed": 1},
    {"steps": 5, "guidanceScale": 2.0, "guidanceScale2": None, "prompt": "a red circle", "negativePrompt": PROMPT, "seed": 2},
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/wan-two-transformers"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    parts = random_parts(len(tokenizer))
    second = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=12, freq_dim=16,
        ffn_dim=40, num_layers=3, rope_max_seq_len=32,
    ).eval()  # fmt: skip
    randomise(second, torch.Generator().manual_seed(43))
    second.save_pretrained(args.out / "transformer_2")
    vectors = {}
    for i, case in enumerate(CASES):
        pipeline = WanPipeline(
            tokenizer=tokenizer, scheduler=UniPCMultistepScheduler(**SCHEDULER), transformer_2=second,
            boundary_ratio=BOUNDARY_RATIO, **parts,
        )  # fmt: skip
        pipeline.set_progress_bar_config(disable=True)
        latent = pipeline(
            case["prompt"], negative_prompt=case["negativePrompt"] or "", num_inference_steps=case["steps"],
            num_frames=FRAMES, guidance_scale=case["guidanceScale"], guidance_scale_2=case["guidanceScale2"],
            height=HEIGHT, width=WIDTH, max_sequence_length=TEXT_ROWS, output_type="latent",
            latents=noise(case["seed"], (1, 4, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8)),
        ).frames[0]  # fmt: skip
        below = [float(t) < BOUNDARY_RATIO * 1000 for t in pipeline.scheduler.timesteps]
        assert True in below and False in below, "both transformers must have steps"
        case["secondFrom"] = below.index(True)
        vectors[f"{i}.latent"] = latent.contiguous()
    cases = {"boundaryRatio": BOUNDARY_RATIO, "scheduler": SCHEDULER, "cases": CASES}
    (args.out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
