#!/usr/bin/env bash
# diffusers: `export_to_video` writes frames of 8-bit integers as their negative, and darkens float frames by half a level.
#
# Expected: the function takes `list[np.ndarray]` or a list of PIL pictures. Arrays of uint8 are what imageio, OpenCV and
# PIL hold frames in, and what comes out after an upscaler or a frame interpolator. They are written as they are, or
# refused. Float frames are written as the pipeline itself makes pictures of them, rounded.
#
# What happens: every array is multiplied by 255 and cast to uint8 (diffusers/utils/export_utils.py). Modulo 256, 255 * v is
# -v: black stays black, 1 becomes white, and a level of 180 becomes 76. The video is a negative, of the right size and
# length. Float frames are cut off and not rounded, so that half of all values are one level lower than in the pictures of
# `output_type="pil"`. The file of the same video by "np" and by "pil" differs by 51 dB before any compression.
#
# Why it matters: the first looks like a broken model or a wrong colour order (OpenWorldLib issue 135 is such a search). The
# second puts a ceiling of 51 dB on a PSNR between two files, one of each kind: a cache that changes nothing seems lossy.
# Write uint8 frames with imageio, and compare files that were exported from one type.
#
# Versions: diffusers 0.42.1, imageio 2.38.1, imageio-ffmpeg 0.8.1, pillow 13.0.0, torch 2.15.0, numpy 2.4.6;
# Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv; 8 GB of disk on Linux x86-64, where torch brings libraries for GPUs. The
# check itself takes seconds. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 imageio==2.38.1 imageio-ffmpeg==0.8.1 pillow==13.0.0

cat >check.py <<'PYTHON'
import logging
import platform
import sys
import warnings
from importlib.metadata import version
from unittest import mock

import imageio
import numpy
import PIL.Image
import torch
from diffusers.utils import export_to_video
from diffusers.video_processor import VideoProcessor

torch.set_num_threads(1)
warnings.simplefilter("error", RuntimeWarning)
changed, logged = [], []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("diffusers").addHandler(handler)
packages = ", ".join(
    f"{name} {version(name)}" for name in ["diffusers", "imageio", "imageio-ffmpeg", "pillow", "torch", "numpy"]
)
print(f"{packages}, Python {platform.python_version()}\n")

halves = numpy.full((4, 64, 64, 3), 180, numpy.uint8)
halves[:, :, 32:] = 50
print("frames of 180 on the left and 50 on the right, read back from the file")
for title, frames, expected in [
    ("PIL pictures", [PIL.Image.fromarray(frame) for frame in halves], (180, 50)),
    ("float arrays", list(halves / 255 + 1e-6), (180, 50)),
    ("uint8 arrays", list(halves), (76, 206)),
]:
    export_to_video(frames, "video.mp4", quality=10)
    read = imageio.mimread("video.mp4")[2]
    found = (int(read[32, 16, 1]), int(read[32, 48, 1]))
    print(f"{title:16}{found[0]:5}{found[1]:5}")
    if any(abs(level - goal) > 3 for level, goal in zip(found, expected)):
        changed.append(f"{title}: {found} in place of {expected}")


def encoded(frames):
    """Returns the frames that the encoder is given."""
    with mock.patch("imageio.get_writer") as writer:
        export_to_video(frames, "video.mp4")
    calls = writer.return_value.__enter__.return_value.append_data.call_args_list
    return numpy.stack([call.args[0] for call in calls]).astype(int)


decoded = torch.rand(1, 3, 8, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
processor = VideoProcessor(vae_scale_factor=8)
arrays, pictures = (encoded(list(processor.postprocess_video(decoded, kind)[0])) for kind in ("np", "pil"))
difference = arrays - pictures
share, psnr = (difference == -1).mean(), 10 * numpy.log10(255**2 / (difference**2).mean())
print(f"\none decoded video, output_type 'np' against 'pil': {share:.0%} of the values are one level lower, {psnr:.1f} dB")
if not (0.48 < share < 0.52 and set(numpy.unique(difference)) == {-1, 0}):
    changed.append("the frames by 'np' are no longer cut off")
if logged:
    changed.append(f"something is logged: {logged[0]}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
