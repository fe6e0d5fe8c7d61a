#!/usr/bin/env bash
# scikit-image: one value just below zero in the reference raises the PSNR of a float frame by 6.02 dB.
#
# Expected: `peak_signal_noise_ratio` of two float frames measures against a peak of 1. Where the range cannot be known
# it asks for `data_range`, as `structural_similarity` of the same package does for every float frame.
#
# What happens: without `data_range`, the function looks at the smallest value of the reference: the range is 1 from 0 on,
# and 2 below it (float images may be in -1 to 1). -1e-7 in one pixel doubles the peak: 20 * log10(2) = 6.02 dB. The same
# value in the tested frame changes nothing, so that the PSNR depends on which frame is called the true one. Cubic
# enlargement makes such values at the edge of every black area. Values above 1 raise an error, so it takes a dark scene.
#
# Why it matters: 6 dB are the difference of a cache that is seen and one that is not. In a video some frames have such a
# value and others do not, so the curve jumps, and the mean is neither. Frames that a decoder made, or that were
# resized, in float and without a clamp have it. Pass `data_range=1`.
#
# Versions: scikit-image 0.26.0, scipy 1.17.1, numpy 2.4.6; Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6

cat >check.py <<'PYTHON'
import platform
import sys
import warnings
from importlib.metadata import version

import numpy
from scipy.ndimage import zoom
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

DOUBLE = 20 * numpy.log10(2)
changed = []
warnings.simplefilter("error")
random = numpy.random.default_rng(0)


def dark_frame(moment, has_black):
    """Returns a frame of 96x128 in 0.1 to 0.7; with a black square if `has_black` is set."""
    y, x = numpy.mgrid[0:96, 0:128] / 24
    frame = 0.4 + 0.3 * numpy.stack([numpy.sin(x + moment + channel) * numpy.cos(y) for channel in range(3)], -1)
    if has_black:
        frame[40:48, 40 + 4 * moment : 48 + 4 * moment] = 0
    return frame.astype(numpy.float32)


def report(title, true, test, rise):
    """Prints the PSNR without a range and with a range of 1, and notes if the first is not higher by `rise` decibels."""
    guessed, right = peak_signal_noise_ratio(true, test), peak_signal_noise_ratio(true, test, data_range=1)
    print(f"{title:52}{true.min():10.1e}{guessed:11.2f}{right:12.2f}")
    if abs(guessed - right - rise) > 1e-6:
        changed.append(f"{title}: {guessed:.2f} dB, and {right:.2f} dB with a range of 1")


packages = ", ".join(f"{name} {version(name)}" for name in ["scikit-image", "scipy", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print(f"{'PSNR in dB':52}{'smallest':>10}{'by default':>12}{'range of 1':>12}")

true = dark_frame(0, True)
test = numpy.clip(true + 0.01 * random.standard_normal(true.shape), 0, 1).astype(numpy.float32)
report("a frame and its noisy copy", true, test, 0)
below = true.copy()
below[44, 44, 0] = -1e-7
report("one value of the true frame is -1e-7", below, test, DOUBLE)
other = test.copy()
other[44, 44, 0] = -1e-7
report("one value of the noisy frame is -1e-7", true, other, 0)
report("the two in the other order", other, true, DOUBLE)

for moment, has_black in enumerate([False, True, True, False]):
    small = dark_frame(moment, has_black)
    noisy = small + 0.01 * random.standard_normal(small.shape).astype(numpy.float32)
    frames = [zoom(frame, (2, 2, 1), order=3) for frame in (small, noisy)]
    black = "with a black square" if has_black else "without black"
    report(f"frame {moment} of a video, enlarged, {black}", *frames, DOUBLE if has_black else 0)

try:
    structural_similarity(true, test, channel_axis=2)
    changed.append("structural_similarity guesses the range of float frames")
except ValueError as error:
    print(f"\nstructural_similarity: {str(error).split('.')[0]}.")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described")
PYTHON
venv/bin/python check.py
