#!/usr/bin/env bash
# cache-dit: enabled on a transformer, it makes the first step of the next video from the last step of the one before.
#
# Expected: `cache_dit.enable_cache` takes a pipeline or, for servers that have a loop of their own, a transformer. Its
# `num_inference_steps` says how long a video is: "we will refresh the cache once the executed steps exceed
# num_inference_steps". One expects that videos of this length each start with an empty cache and a warm-up.
#
# What happens: the count is looked at before a step is counted, so the first step of the second video still belongs to
# the first video. Its front is compared with that of another prompt at the lowest noise level, and where the threshold
# allows it, what the last computed step of the other video added is reused. The cache is emptied one step later: the
# warm-up is then steps 2 to 5 of the second video. The first video is right, and so is every first video in a test.
#
# Why it matters: the first step, which settles what is where, is computed for somebody else's prompt. The same request
# gives two videos, by what was asked before. Call `cache_dit.refresh_context(transformer, num_inference_steps=N)` before
# every video, also where N never changes.
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
import math
import platform
import sys
from importlib.metadata import version

import cache_dit
import diffusers
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

logging.disable(logging.WARNING)
torch.set_num_threads(1)
STEPS, LAYERS, WARMUP = 10, 4, 4
WHOLE = 2 * LAYERS
computed = 0
original = WanAttnProcessor.__call__


def counting(*args, **kwargs):
    global computed
    computed += 1
    return original(*args, **kwargs)


WanAttnProcessor.__call__ = counting


def cached_transformer():
    """A tiny Wan of random weights. One block is in front, and a high threshold reuses every step after the warm-up."""
    torch.manual_seed(0)
    transformer = diffusers.WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=32, freq_dim=32, ffn_dim=32, num_layers=LAYERS
    ).eval()
    config = cache_dit.DBCacheConfig(
        Fn_compute_blocks=1, max_warmup_steps=WARMUP, residual_diff_threshold=0.9, num_inference_steps=STEPS,
        enable_separate_cfg=False,
    )
    cache_dit.enable_cache(transformer, cache_config=config)
    return transformer


def video(transformer, prompt):
    """Makes a video without guidance. Returns its latent, and the steps whose blocks were all computed, from 1."""
    random = torch.Generator().manual_seed(prompt)
    text, latent = torch.randn(1, 8, 32, generator=random), torch.randn(1, 16, 2, 8, 8, generator=random)
    whole = []
    with torch.no_grad():
        for step in range(STEPS):
            before = computed
            time = torch.tensor([1000 - 1000 * step // STEPS])
            latent = latent - transformer(latent, time, text, return_dict=False)[0] / STEPS
            if computed - before == WHOLE:
                whole.append(step + 1)
    return latent, whole


def psnr(a, b):
    error = (a - b).square().mean().sqrt().item()
    return math.inf if error == 0 else 20 * math.log10((b.max() - b.min()).item() / error)


packages = ", ".join(f"{name} {version(name)}" for name in ["cache-dit", "diffusers", "torch", "transformers", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print(f"videos of {STEPS} steps, num_inference_steps={STEPS}, max_warmup_steps={WARMUP}")
print(f"{'':48}computed steps    PSNR to A alone")
changed = []


def check(title, result, expected_steps, is_same):
    latent, whole = result
    value = psnr(latent, alone)
    print(f"{title:48}{str(whole):18}{'equal' if value == math.inf else f'{value:.1f} dB'}")
    if whole != expected_steps or (value == math.inf) != is_same:
        changed.append(f"{title}: computed {whole}, {value:.1f} dB")


first_steps = list(range(1, WARMUP + 1))
alone, steps_alone = video(cached_transformer(), 1)
check("A alone", (alone, steps_alone), first_steps, True)
transformer = cached_transformer()
video(transformer, 2)
check("A after B", video(transformer, 1), [step + 1 for step in first_steps], False)
transformer = cached_transformer()
video(transformer, 2)
cache_dit.refresh_context(transformer, num_inference_steps=STEPS)
check("A after B, with refresh_context between them", video(transformer, 1), first_steps, True)

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
