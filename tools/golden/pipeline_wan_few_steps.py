"""Writes test/golden/pipelines/wan-few-steps: latents of distilled sampling over the models of other goldens.

    lightning   diffusers 0.42.1's WanPipeline with two transformers and flow Euler at four given noise levels
    dmd         the formula of few_step_samplers.py around the transformer and the text encoder of WanPipeline

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_wan_few_steps.py --pipelines test/golden/pipelines

The transformers and the text encoder are those of test/golden/pipelines/wan and wan-two-transformers, which are read. The
noise is that of lib/generation/sampling/noise.ts. Two runs write the same bytes.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

from few_step_samplers import DMD_TIMESTEPS, dmd_step
from models_wan import TEXT_ROWS
from pipeline_latte import noise
from pipeline_wan import FRAMES, HEIGHT, PROMPT, WIDTH, random_parts

SIGMAS, SHIFT, BOUNDARY_RATIO = [1, 0.75, 0.5, 0.25], 5.0, 0.875
SEEDS = {"lightning": 4, "dmd": 5}
LATENT = (1, 4, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--pipelines", type=Path, default=Path("test/golden/pipelines"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    pipeline = WanPipeline(
        tokenizer=tokenizer, scheduler=scheduler, boundary_ratio=BOUNDARY_RATIO,
        vae=random_parts(len(tokenizer))["vae"],  # only its configuration matters
        text_encoder=UMT5EncoderModel.from_pretrained(args.pipelines / "wan/text_encoder").eval(),
        transformer=WanTransformer3DModel.from_pretrained(args.pipelines / "wan/transformer").eval(),
        transformer_2=WanTransformer3DModel.from_pretrained(
            args.pipelines / "wan-two-transformers/transformer_2"
        ).eval(),
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    given_levels = scheduler.set_timesteps
    scheduler.set_timesteps = lambda _steps, device=None: given_levels(sigmas=SIGMAS, device=device)
    vectors = {}
    vectors["lightning"] = pipeline(
        PROMPT, num_inference_steps=len(SIGMAS), num_frames=FRAMES, guidance_scale=1.0, height=HEIGHT, width=WIDTH,
        max_sequence_length=TEXT_ROWS, output_type="latent", latents=noise(SEEDS["lightning"], LATENT),
    ).frames[0].contiguous()  # fmt: skip
    with torch.no_grad():
        text, _ = pipeline.encode_prompt(PROMPT, do_classifier_free_guidance=False, max_sequence_length=TEXT_ROWS)
        latent = noise(SEEDS["dmd"], LATENT)
        predict = partial(pipeline.transformer, encoder_hidden_states=text)
        for step, timestep in enumerate(DMD_TIMESTEPS):
            velocity = predict(latent, timestep=torch.tensor([timestep])).sample
            latent = dmd_step(latent, velocity, step, SEEDS["dmd"])
    vectors["dmd"] = latent[0].contiguous()
    out = args.pipelines / "wan-few-steps"
    out.mkdir(exist_ok=True)
    cases = {"prompt": PROMPT, "seeds": SEEDS, "sigmas": SIGMAS, "shift": SHIFT, "boundaryRatio": BOUNDARY_RATIO}
    (out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(vectors, out / "vectors.safetensors")


if __name__ == "__main__":
    main()
