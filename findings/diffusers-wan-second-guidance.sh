#!/usr/bin/env bash
# diffusers: Wan 2.2 ignores `guidance_scale_2` if `guidance_scale` is 1, and pays for guidance in a stage that has none.
#
# Expected: Wan 2.2 A14B has two transformers, one for high noise and one for low noise. `guidance_scale` is that of the
# first, and `guidance_scale_2` that of the second. With 1 and 4, as for a distilled LoRA in the first stage alone, the
# second stage has guidance. With 4 and 1 the second stage needs one run of its transformer for each step.
#
# What happens: `WanPipeline.do_classifier_free_guidance` is `guidance_scale > 1` and holds for both stages. With 1 and 4
# the negative prompt is never read, and the video is bit for bit that of 1 and 1. With 4 and 1 the second transformer
# still runs twice a step, and with a scale of 1 the unconditional half cancels out of the guided sum. Nothing is
# logged. The image-to-video pipeline has the same property.
#
# Why it matters: the first is a wrong video, taken for an effect of the LoRA. The second pays twice for the low-noise
# stage: with a shift of 3 and a boundary of 0.875, 27 of 40 steps belong to it, so that 80 runs are made in place of 53.
# Give 1.0001 for the first scale in the one case. In the other there is no way through the arguments.
#
# Versions: diffusers 0.42.1, torch 2.15.0, transformers 5.23.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.23.0

cat >check.py <<'PYTHON'
import logging
import platform
import sys
import warnings
from importlib.metadata import version

import torch
from diffusers import (
    AutoencoderKLWan,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)

torch.set_num_threads(1)
warnings.simplefilter("ignore")
logged = []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: logged.append(record.getMessage())
STEPS = 40
changed = []


def transformer(seed):
    """Returns a tiny transformer with random weights."""
    torch.manual_seed(seed)
    return WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=32, freq_dim=32, ffn_dim=32, num_layers=1
    ).eval()


def run(scale, scale_2):
    """Returns a latent of a tiny Wan 2.2, and the runs and steps of each transformer."""
    pipe = WanPipeline(
        tokenizer=None, text_encoder=None, transformer=transformer(1), transformer_2=transformer(2),
        vae=AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1), boundary_ratio=0.875,
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    times = {"transformer": [], "transformer_2": []}
    for name, seen in times.items():
        getattr(pipe, name).register_forward_pre_hook(
            lambda module, args, kwargs, seen=seen: seen.append(kwargs["timestep"][0].item()), with_kwargs=True
        )
    random = torch.Generator().manual_seed(7)
    prompts = [torch.randn(1, 8, 32, generator=random) for _ in range(2)]
    latent = pipe(
        prompt_embeds=prompts[0], negative_prompt_embeds=prompts[1], height=32, width=32, num_frames=5,
        num_inference_steps=STEPS, guidance_scale=scale, guidance_scale_2=scale_2, generator=random,
        output_type="latent",
    ).frames  # fmt: skip
    return latent, [(len(seen), len(set(seen))) for seen in times.values()]


logging.getLogger("diffusers").addHandler(handler)
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "transformers", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print(f"tiny Wan 2.2, {STEPS} steps\n{'':50}high noise     low noise")
print(f"guidance_scale  guidance_scale_2{'':18}runs  steps   runs  steps   video of 1 and 1")
unguided, _ = run(1.0, 1.0)
for scale, scale_2, factors, equal in [
    (1.0, 1.0, (1, 1), True),
    (1.0, 4.0, (1, 1), True),
    (1.0001, 4.0, (2, 2), False),
    (4.0, 1.0, (2, 2), False),
    (4.0, 4.0, (2, 2), False),
]:
    latent, stages = run(scale, scale_2)
    same = torch.equal(latent, unguided)
    print(f"{scale:<16}{scale_2:<32}", *(f"{runs:5}{steps:7}  " for runs, steps in stages), f"  {'yes' if same else 'no'}")
    found = tuple(runs / steps for runs, steps in stages)
    if found != factors or same != equal:
        changed.append(f"{scale} and {scale_2}: {found} runs a step, equal to 1 and 1: {same}")
shared = [pipe.do_classifier_free_guidance.fget.__code__.co_names for pipe in [WanPipeline, WanImageToVideoPipeline]]
if shared[0] != shared[1] or shared[0] != ("_guidance_scale",):
    changed.append(f"do_classifier_free_guidance reads {shared}")
if logged:
    changed.append(f"something is logged: {logged[0]}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
