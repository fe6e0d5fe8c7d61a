#!/usr/bin/env bash
# cache-dit: at a guidance scale of 1, the warm-up of Wan lasts twice as long, and 16 steps save nothing.
#
# Expected: `cache_dit.enable_cache(pipe)` computes the first 8 steps (`max_warmup_steps`), then reuses what it may. With
# a guidance scale of 1, as distilled models and LoRAs ask for, a step of Wan runs the transformer once and not twice. One
# expects the same schedule at half the cost.
#
# What happens: cache-dit does not know steps. For Wan, Qwen-Image and others it assumes two runs of the transformer for
# each step, and takes every second run for the unconditional half. Without guidance every second *step* is taken for it.
# The warm-up of 8 lasts 16 steps, and a step reuses what another of its own "half" added, never the step right before it.
# The summary says that steps 8 to 14 of each half were cached, of 30 steps that had one half. With a threshold that
# reuses all steps after the warm-up, 22 of 30 steps are reused with guidance, 14 without, and none of 16. Nothing warns.
#
# Why it matters: the cache saves least where guidance is off, and shows it as better quality. A video of 16 steps or
# fewer is not cached at all. The flag is a property of the pipeline, and the guidance scale is one of the request. Pass
# `DBCacheConfig(enable_separate_cfg=False)` where guidance is off, and enable the cache anew when a request has it on.
#
# Versions: cache-dit 1.5.3, diffusers 0.42.1, torch 2.15.0, transformers 5.23.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-11-29
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The check
# itself takes less than a minute. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.23.0 cache-dit==1.5.3

cat >check.py <<'PYTHON'
import logging
import platform
import sys
from importlib.metadata import version

import cache_dit
import diffusers
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

logging.disable(logging.WARNING)
torch.set_num_threads(1)
LAYERS = 4
computed = 0
original = WanAttnProcessor.__call__


def counting(*args, **kwargs):
    global computed
    computed += 1
    return original(*args, **kwargs)


WanAttnProcessor.__call__ = counting


def video(steps, guidance, **settings):
    """Makes a video with a tiny Wan of random weights. Returns which steps were reused, and cache-dit's summary."""
    torch.manual_seed(0)
    transformer = diffusers.WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=32, freq_dim=32, ffn_dim=32, num_layers=LAYERS
    ).eval()
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    pipe = diffusers.WanPipeline(
        tokenizer=None, text_encoder=None, vae=None, scheduler=scheduler, transformer=transformer
    )
    pipe.set_progress_bar_config(disable=True)
    # One block in front, and a threshold that reuses every step after the warm-up. The warm-up is the default, 8 steps.
    config = cache_dit.DBCacheConfig(Fn_compute_blocks=1, residual_diff_threshold=0.9, **settings)
    cache_dit.enable_cache(pipe, cache_config=config)
    totals = [computed]

    def at_step_end(pipe, step, timestep, tensors):
        totals.append(computed)
        return tensors

    embeds, negative = torch.randn(2, 1, 8, 32)
    pipe(
        prompt_embeds=embeds, negative_prompt_embeds=negative, height=64, width=64, num_frames=5,
        num_inference_steps=steps, guidance_scale=guidance, generator=torch.Generator().manual_seed(0),
        output_type="latent", callback_on_step_end=at_step_end,
    )
    whole = 2 * LAYERS * (2 if guidance > 1 else 1)
    reused = [step for step in range(steps) if totals[step + 1] - totals[step] < whole]
    summary = cache_dit.summary(pipe, logging=False)
    return reused, (summary[-1] if isinstance(summary, list) else summary)


packages = ", ".join(f"{name} {version(name)}" for name in ["cache-dit", "diffusers", "torch", "transformers", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print("steps  guidance  enable_separate_cfg  reused steps, of 0 to N - 1  in the summary: cached, of the other half")
changed = []
cases = [
    (30, 5.0, {}, range(8, 30)),
    (30, 1.0, {}, range(16, 30)),
    (30, 1.0, {"enable_separate_cfg": False}, range(8, 30)),
    (16, 5.0, {}, range(8, 16)),
    (16, 1.0, {}, range(0)),
    (16, 1.0, {"enable_separate_cfg": False}, range(8, 16)),
]


def shown(steps):
    return f"{steps[0]} to {steps[-1]} ({len(steps)})" if len(steps) > 0 else "none"


for steps, guidance, settings, expected in cases:
    reused, summary = video(steps, guidance, **settings)
    counts = f"{shown(summary.cached_steps)}, {shown(summary.cfg_cached_steps)}"
    print(f"{steps:5}{guidance:10}  {str(settings.get('enable_separate_cfg', 'by default')):21}{shown(reused):29}{counts}")
    if reused != list(expected):
        changed.append(f"{steps} steps, guidance {guidance}, {settings}: {shown(reused)} reused, not {shown(expected)}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
