#!/usr/bin/env bash
# diffusers: in Wan, Pyramid Attention Broadcast hands the prompt's attention to the half without the prompt.
#
# Expected: Pyramid Attention Broadcast (PAB) reuses attentions of earlier steps, which are much alike. A
# `spatial_attention_block_skip_range` of 2 computes every second step. The documentation enables it "on any pipeline".
#
# What happens: the hook counts calls of a module, and keeps the last output. `WanPipeline` calls its transformer twice
# a step, with the prompt and then with the negative prompt, in two `cache_context`s. First-Block Cache, MagCache,
# SeaCache and TaylorSeer have one state for each context; `PyramidAttentionBroadcastHook` has one state in all. With a
# range of 2 no attention is reused from an earlier step: the half with the prompt computes all of its attentions, and
# the negative half gets these. If the cross-attentions are broadcast too, and at all steps, both halves are equal:
# the video is bit for bit that of a guidance scale of 1, at the price of two runs a step. With a range of 3, half of
# what is reused comes from the other half. CogVideoX and Latte run both halves as one batch, and are not hit.
#
# Why it matters: guidance is weakened or switched off in silence, and it looks like a cache that costs quality. The
# number of computed attentions is the expected half, so a count does not show it. No range helps: an even one computes
# only the half with the prompt. Use another cache for pipelines that run twice a step.
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
    PyramidAttentionBroadcastConfig,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)

torch.set_num_threads(1)
warnings.simplefilter("ignore")
logged = []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: logged.append(record.getMessage())
STEPS, LAYERS = 12, 3
changed = []


def pipeline():
    """Returns a tiny Wan with random weights."""
    torch.manual_seed(0)
    transformer = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=32, freq_dim=32, ffn_dim=32, num_layers=LAYERS
    ).eval()
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    pipe = WanPipeline(tokenizer=None, text_encoder=None, transformer=transformer, vae=vae, scheduler=scheduler)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def broadcast(skip, cross):
    """Returns a configuration for all steps: of self-attentions, and of cross-attentions too if `cross` is set."""
    return lambda pipe: PyramidAttentionBroadcastConfig(
        spatial_attention_block_skip_range=skip,
        spatial_attention_timestep_skip_range=(0, 1000),
        cross_attention_block_skip_range=skip if cross else None,
        cross_attention_timestep_skip_range=(0, 1000),
        current_timestep_callback=lambda: pipe.current_timestep,
    )


def run(guidance, config=None):
    """
    Makes a latent. Returns it, and how often the self-attention of each block was computed, taken from the same half
    of an earlier step, and taken from the other half.
    """
    pipe = pipeline()
    if config is not None:
        pipe.transformer.enable_cache(config(pipe))
    halves, at = 2 if guidance > 1 else 1, {"call": -1}
    pipe.transformer.register_forward_pre_hook(lambda *_: at.update(call=at["call"] + 1))
    counts = {"computed": 0, "own half": 0, "other half": 0}
    for block in pipe.transformer.blocks:
        processor, last = block.attn1.processor, {"call": None}

        def noting(*args, processor=processor, last=last, **kwargs):
            last["call"] = at["call"]
            return processor(*args, **kwargs)

        # The hook replaces the attention's forward, so the processor runs only where an attention is computed.
        block.attn1.processor = noting

        def classify(*_, last=last):
            of = "computed" if last["call"] == at["call"] else "own half"
            if (last["call"] - at["call"]) % halves:
                of = "other half"
            counts[of] += 1

        block.attn1.register_forward_hook(classify)
    random = torch.Generator().manual_seed(7)
    prompts = [torch.randn(1, 8, 32, generator=random) for _ in range(2)]
    latent = pipe(
        prompt_embeds=prompts[0], negative_prompt_embeds=prompts[1], height=64, width=64, num_frames=5,
        num_inference_steps=STEPS, guidance_scale=guidance, generator=random, output_type="latent",
    ).frames  # fmt: skip
    return latent, counts


logging.getLogger("diffusers").addHandler(handler)
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "transformers", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print(f"tiny Wan, {STEPS} steps, {LAYERS} blocks; where the self-attentions came from")
print(f"{'':44}computed  own half  other half  video of guidance 1")
unguided, _ = run(1.0)
cases = [
    ("guidance 5", 5.0, None, (72, 0, 0), False),
    ("guidance 5, range 2", 5.0, broadcast(2, False), (36, 0, 36), False),
    ("guidance 5, range 2, cross-attentions too", 5.0, broadcast(2, True), (36, 0, 36), True),
    ("guidance 5, range 3, cross-attentions too", 5.0, broadcast(3, True), (24, 24, 24), False),
    ("guidance 1, range 2, cross-attentions too", 1.0, broadcast(2, True), (18, 18, 0), False),
]
for title, guidance, config, expected, equal in cases:
    latent, counts = run(guidance, config)
    found, same = tuple(counts.values()), torch.equal(latent, unguided)
    print(f"{title:44}{found[0]:8}{found[1]:10}{found[2]:12}{'yes' if same else 'no':>21}")
    if found != expected or same != equal:
        changed.append(f"{title}: {found} in place of {expected}, equal to guidance 1: {same}")
if logged:
    changed.append(f"something is logged: {logged[0]}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
