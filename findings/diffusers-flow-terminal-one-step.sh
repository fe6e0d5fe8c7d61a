#!/usr/bin/env bash
# diffusers: with `shift_terminal`, as LTX-Video's scheduler has it, one step has a timestep that is not a number.
#
# Expected: `FlowMatchEulerDiscreteScheduler` makes schedules of any number of steps. `shift_terminal` stretches the
# noise levels so that the last one is, for example, 0.1. With one step there is one level, 1, which is pure noise.
#
# What happens: the stretch divides by the distance of the last level to pure noise, which is 0 for one step. Level
# and timestep become NaN. numpy warns of a division; the scheduler and the pipeline do not.
#
# Why it matters: one step is what a quick test of a deployment, or a one-step distilled model, asks for. All of the
# video is NaN, and is saved as black frames. Adareel leaves a single level as it is, and refuses numbers that are not
# finite.
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

import numpy
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

torch.set_num_threads(1)
warnings.simplefilter("ignore")
changed = []
packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")

numpy.seterr(all="ignore")
for steps in (1, 2, 3):
    # As LTXPipeline does it.
    scheduler = FlowMatchEulerDiscreteScheduler(shift_terminal=0.1, use_dynamic_shifting=True)
    scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 1 / steps, steps), mu=1.0)
    levels, timesteps = scheduler.sigmas.tolist(), scheduler.timesteps.tolist()
    shown = [round(level, 4) for level in levels], [round(timestep, 1) for timestep in timesteps]
    print(f"steps: {steps}, levels: {shown[0]}, timesteps: {shown[1]}")
    broken = not numpy.isfinite(levels + timesteps).all()
    if broken != (steps == 1):
        changed.append(f"{steps} steps are {'not ' if broken else ''}finite")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
