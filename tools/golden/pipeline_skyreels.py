"""Writes test/golden/pipelines/skyreels-v2: a tiny random transformer and the output of diffusers 0.42.1's
SkyReelsV2Pipeline.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_skyreels.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/skyreels-v2

Text encoder and autoencoder are those of test/golden/pipelines/wan, which is read. The noise is that of
lib/generation/sampling/noise.ts. Two runs write the same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import SkyReelsV2Pipeline, SkyReelsV2Transformer3DModel, UniPCMultistepScheduler
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

from models import randomise
from models_wan import TEXT_ROWS
from pipeline_latte import noise
from pipeline_wan import FRAMES, HEIGHT, PROMPT, WIDTH, random_parts

SCHEDULER = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 8.0}
CASES = [
    {"steps": 4, "guidanceScale": 6.0, "prompt": PROMPT, "seed": 1},
    {"steps": 3, "guidanceScale": 1.0, "prompt": "a red circle", "seed": 2},
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/skyreels-v2"))
    parser.add_argument("--wan", type=Path, default=Path("test/golden/pipelines/wan"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    parts = {
        "text_encoder": UMT5EncoderModel.from_pretrained(args.wan / "text_encoder").eval(),
        "vae": random_parts(len(tokenizer))["vae"],  # only its configuration matters
    }
    # A width of the sinusoid at which a rounded angle would show.
    parts["transformer"] = SkyReelsV2Transformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=12, freq_dim=32,
        ffn_dim=40, num_layers=2, rope_max_seq_len=32,
    ).eval()  # fmt: skip
    randomise(parts["transformer"], torch.Generator().manual_seed(61))
    parts["transformer"].save_pretrained(args.out / "transformer")
    vectors = {}
    for i, case in enumerate(CASES):
        pipeline = SkyReelsV2Pipeline(tokenizer=tokenizer, scheduler=UniPCMultistepScheduler(**SCHEDULER), **parts)
        pipeline.set_progress_bar_config(disable=True)
        latents = noise(case["seed"], (1, 4, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8))
        vectors[f"{i}.latent"] = pipeline(
            case["prompt"], negative_prompt="", num_inference_steps=case["steps"], num_frames=FRAMES,
            guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH, max_sequence_length=TEXT_ROWS,
            output_type="latent", latents=latents,
        ).frames[0].contiguous()  # fmt: skip
    (args.out / "cases.json").write_text(json.dumps({"scheduler": SCHEDULER, "cases": CASES}, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
