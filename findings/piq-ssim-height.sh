#!/usr/bin/env bash
# piq: the SSIM of the same error rises from 0.85 to 0.95 when a frame is 384 rows high and not 383.
#
# Expected: SSIM of two frames is the mean of a map over 11x11 windows, so that a part of a frame with the same kind of
# error has the same SSIM. The docstring says: "To match performance with skimage and tensorflow set 'downsample' = True",
# which is the default.
#
# What happens: `piq.ssim` (piq/ssim.py) first averages both frames over blocks of f x f pixels, where f is
# round(min(height, width) / 256). Up to 383 rows f is 1, from 384 on it is 2, from 641 on 3. Averaging removes fine
# errors. scikit-image does not average, at any size: it agrees with `downsample=False` to five digits, and with the
# default only below 384 rows. The advice in the docstring is the wrong way round.
#
# Why it matters: a method measured at 480p (f = 2) looks better than at 256 rows, and better still at 720p (f = 3), with
# no change in the frames. Figures by piq cannot be laid beside those by scikit-image or torchmetrics. Pass
# `downsample=False`, and name the library with each SSIM.
#
# Versions: piq 0.8.0, scikit-image 0.26.0, torch 2.15.0, torchvision 0.29.2, numpy 2.4.6; Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 piq==0.8.0 scikit-image==0.26.0

cat >check.py <<'PYTHON'
import platform
import sys
import warnings
from importlib.metadata import version

import piq
import torch
from skimage.metrics import structural_similarity

torch.set_num_threads(1)
warnings.simplefilter("error")
changed = []
random = torch.Generator().manual_seed(0)
texture = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 722, 1282, generator=random), 3, stride=1)
noisy = (texture + 0.05 * torch.randn(texture.shape, generator=random)).clamp(0, 1)


def by_skimage(a, b):
    """SSIM as in the paper: Gaussian windows of 11x11 with a deviation of 1.5."""
    a, b = (frame[0].permute(1, 2, 0).numpy() for frame in (a, b))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    return structural_similarity(a, b, channel_axis=2, **options)


packages = ", ".join(f"{name} {version(name)}" for name in ["piq", "scikit-image", "torch", "torchvision", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print("the upper rows of one texture and its noisy copy, 1280 columns")
print("rows  piq      piq, downsample=False  scikit-image")
for rows, averaged, expected in [
    (256, False, 0.847), (383, False, 0.847), (384, True, 0.950), (480, True, 0.950), (640, True, 0.950),
    (641, True, 0.971), (720, True, 0.971),
]:  # fmt: skip
    a, b = texture[:, :, :rows], noisy[:, :, :rows]
    usual, whole = piq.ssim(a, b).item(), piq.ssim(a, b, downsample=False).item()
    reference = by_skimage(a, b)
    print(f"{rows:<6}{usual:<9.6f}{whole:<23.6f}{reference:.6f}")
    if abs(usual - expected) > 2e-3 or abs(whole - reference) > 5e-6 or (abs(usual - reference) > 0.05) != averaged:
        changed.append(f"{rows} rows: {usual:.6f}, {whole:.6f} and {reference:.6f}")
if "match performance with skimage and tensorflow set ``'downsample' = True``" not in piq.ssim.__doc__:
    changed.append("the docstring no longer recommends downsample=True")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
