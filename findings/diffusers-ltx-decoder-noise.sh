#!/usr/bin/env bash
# diffusers: the noise inside the decoder of LTX-Video 0.9.1 ignores the generator, so a seed does not fix the video.
#
# Expected: with `generator=torch.Generator().manual_seed(7)` a pipeline makes the same video each time. The
# documentation calls this reproducible.
#
# What happens: `AutoencoderKLLTXVideo` with `decoder_inject_noise` (LTX-Video 0.9.1) draws noise in every residual
# block of the decoder. `decode` takes no generator, and draws from torch's global state. Two calls with the same
# latent differ, unless `torch.manual_seed` is called before each. The pipeline's own noise for the decoder does
# follow its generator.
#
# Why it matters: a golden test, a cache of results, or a comparison of two settings by PSNR measures the decoder's
# noise. Seed the global state before decoding. Adareel refuses this decoder by name; the decoders of 0.9.0 and from
# 0.9.5 on have no such noise.
#
# Versions: diffusers 0.42.1, torch 2.15.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-11-30
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.15.0 numpy==2.4.6 diffusers==0.42.1

cat >check.py <<'PYTHON'
import inspect
import platform
import sys
import warnings
from importlib.metadata import version

import torch
from diffusers import AutoencoderKLLTXVideo

torch.set_num_threads(1)
warnings.simplefilter("ignore")
changed = []
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")

def decoder(inject_noise):
    """Returns a tiny autoencoder with random weights."""
    torch.manual_seed(0)
    model = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4, layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5, decoder_inject_noise=(inject_noise,) * 5, timestep_conditioning=True,
    ).eval()  # fmt: skip
    for parameter in model.parameters():
        parameter.data.copy_(0.3 * torch.randn_like(parameter))
    return model


def repeats(model, global_seed):
    """Tells if two decodings of one latent are equal; the global seed is set before each where there is one."""
    latent = torch.randn(1, 8, 2, 2, 2, generator=torch.Generator().manual_seed(7))
    frames = []
    for _ in range(2):
        if global_seed is not None:
            torch.manual_seed(global_seed)
        with torch.no_grad():
            frames.append(model.decode(latent, torch.tensor([0.05]), return_dict=False)[0])
    return torch.equal(*frames)


print("decode takes a generator:", "generator" in inspect.signature(AutoencoderKLLTXVideo.decode).parameters)
print(f"{'decoder_inject_noise':22}{'global seed set':17}same frames twice")
for inject_noise, global_seed, expected in [(False, None, True), (True, None, False), (True, 1, True)]:
    found = repeats(decoder(inject_noise), global_seed)
    print(f"{str(inject_noise):22}{'yes' if global_seed is not None else 'no':17}{'yes' if found else 'no'}")
    if found != expected:
        changed.append(f"inject_noise {inject_noise}, global seed {global_seed}: same frames {found}")
if "generator" in inspect.signature(AutoencoderKLLTXVideo.decode).parameters:
    changed.append("decode takes a generator")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
