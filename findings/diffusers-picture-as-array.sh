#!/usr/bin/env bash
# diffusers: a first frame given as a tensor or an array is shrunk by nearest neighbour, whatever `resample` says.
#
# Expected: image-to-video pipelines take the first frame as a PIL picture, an array or a tensor, and resize it to the
# size of the video. Their processor has `resample`, "lanczos" by default ("Resampling filter to use when resizing the
# image"). The same picture gives the same first frame in all three types.
#
# What happens: `VaeImageProcessor.resize` uses `resample` for PIL pictures alone. Tensors and arrays go through
# `torch.nn.functional.interpolate` without a mode, which takes the nearest pixel and drops the others. At half the size
# stripes of one pixel are an even grey as a PIL picture; as a tensor they are black, or white if the picture is moved
# by one pixel. A soft picture agrees to 22 dB with what a PIL picture gives.
#
# Why it matters: the video continues a frame full of jagged edges, text and hair above all, and follows it faithfully. A
# service that decodes uploads into tensors gives other videos than the notebook in which PIL pictures were tried, and
# two tests with one seed do not agree. Resize before the call, or pass PIL pictures. A fix is proposed upstream
# (diffusers pull request 13500, open in May 2026).
#
# Versions: diffusers 0.42.1, pillow 13.0.0, torch 2.15.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 pillow==13.0.0

cat >check.py <<'PYTHON'
import logging
import platform
import sys
import warnings
from importlib.metadata import version

import numpy
import PIL.Image
import torch
from diffusers.video_processor import VideoProcessor

torch.set_num_threads(1)
warnings.simplefilter("error")
HEIGHT, WIDTH = 480, 832
changed, logged = [], []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("diffusers").addHandler(handler)


def types(picture):
    """The same picture, a uint8 array of height, width and 3, in the three types that pipelines take."""
    floats = picture.astype(numpy.float32) / 255
    return {
        "PIL picture": PIL.Image.fromarray(picture),
        "array": floats[None],
        "tensor": torch.from_numpy(floats).permute(2, 0, 1)[None],
    }


def first_frame(image, resample="lanczos"):
    """Returns what an image-to-video pipeline encodes, in 0 to 1."""
    processor = VideoProcessor(vae_scale_factor=8, resample=resample)
    return processor.preprocess(image, height=HEIGHT, width=WIDTH) / 2 + 0.5


packages = ", ".join(f"{name} {version(name)}" for name in ["diffusers", "pillow", "torch", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")

stripes = numpy.zeros((2 * HEIGHT, 2 * WIDTH, 3), numpy.uint8)
stripes[:, 1::2] = 255
print(f"vertical stripes of one pixel, {2 * WIDTH}x{2 * HEIGHT}, in a video of {WIDTH}x{HEIGHT}: mean of the first frame")
print(f"{'':14}stripes  moved by one pixel")
for kind, expected in [("PIL picture", (0.5, 0.5)), ("array", (0.0, 1.0)), ("tensor", (0.0, 1.0))]:
    means = [first_frame(types(picture)[kind]).mean().item() for picture in (stripes, numpy.roll(stripes, 1, axis=1))]
    print(f"{kind:14}{means[0]:7.2f}{means[1]:20.2f}")
    if any(abs(mean - goal) > 0.02 for mean, goal in zip(means, expected)):
        changed.append(f"{kind}: means of {means}")

y, x = numpy.mgrid[0:1080, 0:1920] / 1080
rings = 0.5 + 0.5 * numpy.stack([numpy.sin(60 * (x**2 + (y + channel / 4) ** 2)) for channel in range(3)], -1)
soft = types((rings * 255).round().astype(numpy.uint8))
print("\nsoft rings of 1920x1080: PSNR against the first frame of the PIL picture")
true = first_frame(soft["PIL picture"])
for kind, resample in [("PIL picture", "bicubic"), ("tensor", "lanczos"), ("tensor", "bicubic")]:
    psnr = -10 * torch.log10((first_frame(soft[kind], resample) - true).square().mean()).item()
    print(f"{kind + ', ' + resample:24}{psnr:5.1f} dB")
    if (psnr > 45) != (kind == "PIL picture") or psnr < 20:
        changed.append(f"{kind}, {resample}: {psnr:.1f} dB")
if logged:
    changed.append(f"something is logged: {logged[0]}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
