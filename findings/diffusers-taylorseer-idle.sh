#!/usr/bin/env bash
# diffusers: TaylorSeer with its defaults caches nothing in Wan, CogVideoX, LTX, Mochi, Latte and other video models.
#
# Expected: `transformer.enable_cache(TaylorSeerCacheConfig())` forecasts the attention of most steps. The documentation
# says: "If neither is provided, all attention-like modules are hooked by default." A model that the defaults do not fit
# would raise an error or log a warning, as other misuse of `enable_cache` does.
#
# What happens: the default patterns end in `attn`, and the names of modules must match them whole (`re.fullmatch`). So
# `transformer_blocks.0.attn` of FLUX is hooked, and `blocks.0.attn1` of Wan is not. In models that number their
# attentions no module is hooked. `is_cache_enabled` is true, nothing is logged, and every step is computed in full. In
# LTX-2 only the attentions between picture and sound match, and the four others in each block are computed.
#
# Why it matters: the video is right and no faster, so a test of quality passes, and a benchmark shows a perfect PSNR for
# TaylorSeer. Pass `cache_identifiers`, and count what was hooked or how often the attention ran.
#
# Versions: diffusers 0.42.1, torch 2.15.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-11-29
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The check
# itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.15.0 numpy==2.4.6 diffusers==0.42.1

cat >check.py <<'PYTHON'
import logging
import platform
import sys
from importlib.metadata import version

import diffusers
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

torch.set_num_threads(1)
STEPS, LAYERS = 20, 4
changed = []
logged = []
handler = logging.Handler()
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("diffusers").addHandler(handler)


def hooked(model):
    """Names of the modules that have a hook."""
    registries = ((name, getattr(module, "_diffusers_hook", None)) for name, module in model.named_modules())
    return [name for name, registry in registries if registry is not None and registry.hooks]


def attentions(model):
    """Number of attentions in the blocks: modules whose own name is `attn`, `attn1`, `audio_attn1` and so on."""
    return sum("attn" in name.split(".")[-1] for name, _ in model.named_modules() if "blocks." in name)


def run(config):
    """Runs a tiny Wan for 20 steps, and returns its outputs and how often an attention was computed."""
    torch.manual_seed(0)
    model = diffusers.WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, text_dim=32, freq_dim=32, ffn_dim=32, num_layers=LAYERS
    ).eval()
    if config is not None:
        model.enable_cache(config)
    calls = 0
    original = WanAttnProcessor.__call__

    def counting(*args, **kwargs):
        nonlocal calls
        calls += 1
        return original(*args, **kwargs)

    WanAttnProcessor.__call__ = counting
    text, latent = torch.randn(1, 8, 32), torch.randn(1, 16, 2, 8, 8)
    outputs = []
    with torch.no_grad():
        for step in range(STEPS):
            with model.cache_context("cond"):
                time = torch.tensor([1000 - 50 * step])
                outputs.append(model(latent, time, text, return_dict=False)[0])
            latent = latent - outputs[-1] / STEPS
    WanAttnProcessor.__call__ = original
    return torch.cat(outputs), calls


packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print(f"{'default configuration of':28}attentions in blocks  hooked modules")
models = [
    ("FluxTransformer2DModel", {}, "all"),
    ("HunyuanVideoTransformer3DModel", {}, "all"),
    ("LTX2VideoTransformer3DModel", {}, "some"),
    ("WanTransformer3DModel", {}, "none"),
    ("CogVideoXTransformer3DModel", {}, "none"),
    ("LTXVideoTransformer3DModel", {}, "none"),
    ("MochiTransformer3DModel", {}, "none"),
    ("AllegroTransformer3DModel", {}, "none"),
    ("SkyReelsV2Transformer3DModel", {}, "none"),
    ("LatteTransformer3DModel", {"sample_size": 64, "patch_size": 2, "in_channels": 4, "caption_channels": 8}, "none"),
]
for name, arguments, expected in models:
    with torch.device("meta"):
        model = getattr(diffusers, name)(**arguments)
    model.enable_cache(diffusers.TaylorSeerCacheConfig())
    count, total = len(hooked(model)), attentions(model)
    print(f"{name.split('Transformer')[0]:28}{total:20}{count:16}")
    found = "none" if count == 0 else "some" if count < total / 2 else "all"
    if found != expected or not model.is_cache_enabled:
        changed.append(f"{name}: {found} of its attentions are hooked, and not {expected}")
if logged:
    changed.append(f"something is logged: {logged[0]}")

print(f"\ntiny Wan, {STEPS} steps{'':13}attentions computed  same output as without a cache")
whole, calls_without = run(None)
configs = [
    ("without a cache", None, True),
    ("TaylorSeerCacheConfig()", diffusers.TaylorSeerCacheConfig(), True),
    ("cache_identifiers=attn1, attn2", diffusers.TaylorSeerCacheConfig(cache_identifiers=[r"blocks\.\d+\.attn[12]"]), False),
]
for title, config, idle in configs:
    output, calls = run(config)
    same = torch.equal(output, whole)
    print(f"{title:32}{calls:19}{'yes' if same else 'no':>31}")
    if same != idle or (calls == calls_without) != idle:
        changed.append(f"{title}: {calls} attentions were computed")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
