"""Writes test/golden/pipelines/ltx-condition: the output of diffusers 0.42.1's LTXConditionPipeline.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_ltx_condition.py --tokenizer models/demo/tokenizer \\
        --out test/golden/pipelines/ltx-condition

The parts are those of test/golden/pipelines/ltx (pipeline_ltx.py), and only the index and the scheduler are written.
levels.json has the noise levels that the pipeline uses for so many steps. All noise is that of lib/generation/sampling/noise.ts: the seed's last stream for the decoder, and for the given frame of
evaluation i the stream GIVEN_STREAM + i. A picture has the mean of its latents, and no sample. Two runs write the same
bytes.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXConditionPipeline
from diffusers.pipelines.ltx import pipeline_ltx_condition
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast

from models_ltx import DECODE_NOISE_SCALE, DECODE_TIMESTEP, packed
from pipeline_latte import noise
from pipeline_ltx import (
    CHANNELS, DECODER_STREAM, FRAMES, HEIGHT, PROMPT, SPATIAL, TEMPORAL, WIDTH, picture, random_parts,
)  # fmt: skip

GIVEN_STREAM = 2**31
LEVELS = [1, 2, 3, 4, 5, 8, 25, 40, 50, 100]
EXTENT = ((FRAMES - 1) // TEMPORAL + 1, HEIGHT // SPATIAL, WIDTH // SPATIAL)
GUIDED = {"guidanceScale": 3.0, "fps": 25, "prompt": PROMPT, "negativePrompt": None}
CASES = [
    {"steps": 3, **GUIDED, "seed": 1},
    {"steps": 4, "guidanceScale": 2.0, "fps": 30, "prompt": "a red circle", "negativePrompt": PROMPT, "seed": 2},
    {"steps": 3, **GUIDED, "seed": 3, "image": "first.png"},
    # As the examples of the distilled models: given timesteps, and no noise on the given frame.
    {"steps": 4, **GUIDED, "guidanceScale": 1.0, "seed": 4, "image": "first.png",
     "timesteps": [1000, 909, 725, 0.03]},
]  # fmt: skip


def noises(case: dict) -> list[torch.Tensor]:
    """Returns all noise of a generation, in the order in which the pipeline draws it."""
    initial = noise(case["seed"], (1, CHANNELS, *EXTENT))
    frames = []
    if "image" in case and "timesteps" not in case:
        for i in range(case["steps"]):
            whole = torch.zeros(1, CHANNELS, *EXTENT)
            whole[:, :, :1] = noise(case["seed"], (1, CHANNELS, 1, *EXTENT[1:]), GIVEN_STREAM + i)
            frames.append(packed(whole))
    return [initial, *frames, noise(case["seed"], (1, CHANNELS, *EXTENT), DECODER_STREAM)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/ltx-condition"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    pipeline = LTXConditionPipeline(
        tokenizer=tokenizer, scheduler=FlowMatchEulerDiscreteScheduler(), **random_parts(len(tokenizer))
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline_ltx_condition.retrieve_latents = lambda encoded, **_: encoded.latent_dist.mode()
    unpack = pipeline._unpack_latents
    vectors = {}
    for i, case in enumerate(CASES):
        drawn = iter(noises(case))

        def next_noise(shape, **_):
            values = next(drawn)
            assert values.shape == tuple(shape)
            return values

        def unpacked(*arguments):
            vectors[f"{i}.latent"] = unpack(*arguments)
            return vectors[f"{i}.latent"]

        pipeline._unpack_latents = unpacked
        pipeline_ltx_condition.randn_tensor = next_noise
        given = {"image": picture()} if "image" in case else {}
        if "timesteps" in case:
            given |= {"timesteps": case["timesteps"], "image_cond_noise_scale": 0.0}
        frames = pipeline(
            prompt=case["prompt"], negative_prompt=case["negativePrompt"] or "", num_inference_steps=case["steps"],
            num_frames=FRAMES, guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH,
            frame_rate=case["fps"], decode_timestep=DECODE_TIMESTEP, decode_noise_scale=DECODE_NOISE_SCALE,
            output_type="pt", **given,
        ).frames[0]  # fmt: skip
        assert next(drawn, None) is None
        vectors[f"{i}.latent"] = vectors[f"{i}.latent"][0].contiguous()
        if i in (0, 2):
            vectors[f"{i}.frames"] = frames.half().contiguous()  # [F, 3, H, W]
    pipeline.save_pretrained(args.out)
    for part in ("tokenizer", "transformer", "text_encoder", "vae"):
        shutil.rmtree(args.out / part)
    levels = {steps: pipeline_ltx_condition.linear_quadratic_schedule(steps).tolist() for steps in LEVELS}
    (args.out / "levels.json").write_text(json.dumps(levels) + "\n")
    (args.out / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
