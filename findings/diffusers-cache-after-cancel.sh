#!/usr/bin/env bash
# diffusers: after a cancelled video, the next one is made from the cancelled one's residuals.
#
# Expected: the step caches of diffusers (First-Block Cache, MagCache, TaylorSeer) hold residuals of one video. A pipeline
# forgets them between videos: the same prompt and seed give the same video, whatever was made before. An exception that
# leaves the pipeline early (a client that went away, a time limit, Ctrl+C in a notebook) ends one video only.
#
# What happens: the caches are emptied by `maybe_free_model_hooks`, at the end of a pipeline's call. There is no `finally`.
# After an exception the next call finds the residuals, counters and forecasts of the cancelled video. First-Block Cache
# compares the first step with them, and may skip it. The counters go on from where they were, so that TaylorSeer and
# MagCache have no warm-up, and skip the first step here. That call then empties the caches, and the video after it is
# right again. Nothing warns.
#
# Why it matters: a service that cancels by an exception gives the next customer another video than this prompt and seed
# have, made partly from somebody else's video, and nobody can reproduce it. Cancel by `pipe._interrupt = True`, as the
# documentation shows, or call `pipe.transformer._reset_stateful_cache()` in a `finally`.
#
# Versions: diffusers 0.42.1, torch 2.15.0, transformers 5.23.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-11-29
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The check
# itself takes less than a minute. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.23.0

cat >check.py <<'PYTHON'
import math
import platform
import sys
from importlib.metadata import version

import diffusers
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

torch.set_num_threads(1)
STEPS, LAYERS = 20, 4
changed = []


class Cancelled(Exception):
    pass


computed = 0
original = WanAttnProcessor.__call__


def counting(*args, **kwargs):
    global computed
    computed += 1
    return original(*args, **kwargs)


WanAttnProcessor.__call__ = counting


def pipeline(config):
    """A tiny Wan with random weights."""
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
    if config is not None:
        transformer.enable_cache(config)
    return pipe


def video(pipe, prompt, cancel_after=None):
    """Makes a video, and returns its latent and the share of the first step's attentions that were computed."""
    random = torch.Generator().manual_seed(prompt)
    embeds, negative = (torch.randn(1, 8, 32, generator=random) for _ in range(2))
    before, first = computed, 0

    def at_step_end(pipe, step, timestep, tensors):
        nonlocal first
        if step == 0:
            first = computed - before
        if step == cancel_after:
            raise Cancelled
        return tensors

    latent = pipe(
        prompt_embeds=embeds, negative_prompt_embeds=negative, height=64, width=64, num_frames=5,
        num_inference_steps=STEPS, generator=random, output_type="latent", callback_on_step_end=at_step_end,
    ).frames
    return latent, first


def cancelled(pipe, prompt):
    try:
        video(pipe, prompt, cancel_after=9)
    except Cancelled:
        return
    raise AssertionError("the video was not cancelled")


def psnr(a, b):
    error = (a - b).square().mean().sqrt().item()
    return math.inf if error == 0 else 20 * math.log10((b.max() - b.min()).item() / error)


packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "transformers", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print("A: a video of one prompt and seed. B: of another, cancelled at step 10 of 20, or finished.")
print("PSNR of the latents; attentions computed at the first step of A (of 16: 4 blocks, 2 in each, both halves)")
print(f"{'':20}A alone to A    A after a finished B  A after a cancelled B  the same after  first step   after a")
print(f"{'':20}without cache   to A alone            to A alone             a reset         of A alone   cancelled B")
uncached, _ = video(pipeline(None), 1)
configs = {
    "First-Block Cache": diffusers.FirstBlockCacheConfig(threshold=0.6),
    "MagCache": diffusers.MagCacheConfig(num_inference_steps=STEPS, mag_ratios=torch.ones(STEPS)),
    "TaylorSeer, lite": diffusers.TaylorSeerCacheConfig(use_lite_mode=True),
}
for name, config in configs.items():
    pipe = pipeline(config)
    alone, first = video(pipe, 1)
    video(pipe, 2)
    after_finished, _ = video(pipe, 1)
    cancelled(pipe, 2)
    after_cancelled, first_after = video(pipe, 1)
    cancelled(pipe, 2)
    pipe.transformer._reset_stateful_cache()
    after_reset, _ = video(pipe, 1)
    pairs = [(alone, uncached), (after_finished, alone), (after_cancelled, alone), (after_reset, alone)]
    values = [psnr(a, b) for a, b in pairs]
    cells = [f"{value:.1f} dB" if value < math.inf else "equal" for value in values]
    print(f"{name:20}{cells[0]:16}{cells[1]:22}{cells[2]:23}{cells[3]:16}{first:2}{first_after:12}")
    if not torch.equal(alone, after_finished) or not torch.equal(alone, after_reset):
        changed.append(f"{name}: a finished video or a reset leaves something behind too")
    if torch.equal(alone, after_cancelled):
        changed.append(f"{name}: a cancelled video leaves nothing behind")
    if name == "First-Block Cache" and (first_after >= first or values[2] > values[0]):
        changed.append(f"{name}: the first step after a cancelled video is computed")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
