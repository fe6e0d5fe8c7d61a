#!/usr/bin/env bash
# diffusers: a LoRA of Wan that states its alpha in both usual places is applied with twice the strength, or more.
#
# Expected: the strength of a LoRA is alpha / rank. Files state alpha as a tensor `NAME.alpha` beside the matrices
# (ComfyUI, kohya), or as `lora_alpha` in the file's header, under `lora_adapter_metadata` (what `save_lora_weights`
# of diffusers writes). A file with both says the same thing twice.
#
# What happens: with names that begin in `diffusion_model.`, the loader multiplies the tensors of `.alpha` into the
# matrices, and PEFT multiplies by the header's alpha / rank once more. With alpha 8 and rank 4 the weights change by
# 4 times B A; with either place alone, by 2 times. Nothing is logged.
#
# Why it matters: a tool that adds diffusers' header to a file of ComfyUI, or keeps `.alpha` when it adds a header,
# makes a LoRA that looks burnt in diffusers and right elsewhere. Adareel counts alpha once (docs/lora.md).
#
# Versions: diffusers 0.42.1, peft 0.21.2, torch 2.15.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-11-30
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 peft==0.21.2 transformers==5.23.0

cat >check.py <<'PYTHON'
import json
import platform
import sys
import warnings
from importlib.metadata import version

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file

torch.set_num_threads(1)
warnings.simplefilter("ignore")
changed = []
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "peft", "torch"])
print(f"{packages}, Python {platform.python_version()}\n")

RANK, ALPHA, WIDTH = 4, 8, 32
QUERY = "blocks.0.attn1.to_q"
SETTINGS = {
    "transformer.r": RANK,
    "transformer.lora_alpha": ALPHA,
    "transformer.target_modules": ["to_q", "to_k", "to_v", "to_out.0"],
}


def strength(has_tensor, has_header):
    """Returns by how many times B A the weights of the queries change."""
    torch.manual_seed(0)
    model = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=10, freq_dim=16,
        ffn_dim=40, num_layers=1,
    )  # fmt: skip
    before = model.state_dict()[f"{QUERY}.weight"].clone()
    tensors = {}
    for attention in ("self_attn", "cross_attn"):
        for part in "qkvo":
            name = f"diffusion_model.blocks.0.{attention}.{part}"
            tensors[f"{name}.lora_A.weight"] = 0.1 * torch.randn(RANK, WIDTH)
            tensors[f"{name}.lora_B.weight"] = 0.1 * torch.randn(WIDTH, RANK)
            if has_tensor:
                tensors[f"{name}.alpha"] = torch.tensor(float(ALPHA))
    header = {"format": "pt"} | ({"lora_adapter_metadata": json.dumps(SETTINGS)} if has_header else {})
    save_file(tensors, "lora.safetensors", metadata=header)
    scheduler = FlowMatchEulerDiscreteScheduler()
    pipeline = WanPipeline(tokenizer=None, text_encoder=None, vae=None, transformer=model, scheduler=scheduler)
    pipeline.load_lora_weights("lora.safetensors")
    pipeline.fuse_lora(components=["transformer"])
    weights = model.state_dict()
    after = weights.get(f"{QUERY}.base_layer.weight", weights.get(f"{QUERY}.weight"))
    name = "diffusion_model.blocks.0.self_attn.q"
    product = tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]
    return round(((after - before) / product).median().item(), 3)


print("alpha 8, rank 4; strength that is expected: 2 with any alpha, 1 without")
print("tensor .alpha  header  strength")
for has_tensor, has_header, seen in [(False, False, 1), (True, False, 2), (False, True, 2), (True, True, 4)]:
    found = strength(has_tensor, has_header)
    print(f"{'yes' if has_tensor else 'no':15}{'yes' if has_header else 'no':8}{found}")
    if found != seen:
        changed.append(f"tensor {has_tensor}, header {has_header}: {found}, and not {seen}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
