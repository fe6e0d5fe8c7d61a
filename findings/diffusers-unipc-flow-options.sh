#!/usr/bin/env bash
# diffusers: three settings of UniPC, which is the scheduler of Wan, break it for flow models.
#
# Expected: `UniPCMultistepScheduler` with `use_flow_sigmas` and `prediction_type="flow_prediction"`, as Wan's folders
# have it, takes the other documented settings too: `solver_type="bh1"`, which the documentation recommends for
# unconditional sampling with few steps, `lower_order_final=False`, and `predict_x0=False`.
#
# What happens: the last noise level is 0, its half log signal-to-noise ratio is infinite, and the two first settings
# multiply with it in the last step: the latent becomes NaN with bh1 and infinite without `lower_order_final`.
# `predict_x0=False` raises a ValueError, which says that `flow_prediction` must be one of three names; it is not
# among them. All three are accepted when the scheduler is made.
#
# Why it matters: the video is black or grey, without an error, after all steps have been paid for. Adareel refuses
# these settings when it opens the folder.
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
import platform
import sys
import warnings
from importlib.metadata import version

import torch
from diffusers import UniPCMultistepScheduler

torch.set_num_threads(1)
warnings.simplefilter("ignore")
changed = []
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")

def sampled(settings):
    """Returns the kind of latent, or the error, after five steps with a bounded prediction."""
    scheduler = UniPCMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0, **settings
    )
    scheduler.set_timesteps(5)
    torch.manual_seed(0)
    latent = torch.randn(1, 4, 2, 4, 4)
    try:
        for timestep in scheduler.timesteps:
            latent = scheduler.step(0.5 * latent, timestep, latent).prev_sample
    except ValueError as error:
        return f"ValueError: {error}"
    if torch.isnan(latent).any():
        return "NaN"
    return "finite" if torch.isfinite(latent).all() else "infinite"


cases = [
    ({}, "finite"),
    ({"solver_order": 3}, "finite"),
    ({"solver_type": "bh1"}, "NaN"),
    ({"lower_order_final": False}, "infinite"),
    ({"predict_x0": False}, "ValueError: prediction_type given as flow_prediction must be one of"),
]
for settings, expected in cases:
    found = sampled(settings)
    print(f"{str(settings):32}{found}")
    if not found.startswith(expected):
        changed.append(f"{settings}: {found}, and not {expected}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
