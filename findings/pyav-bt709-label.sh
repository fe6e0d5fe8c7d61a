#!/usr/bin/env bash
# PyAV: `colorspace = BT.709` on an encoder labels the file, and the numbers in it stay those of BT.601.
#
# Expected: `encode` converts an RGB frame to the encoder's pixel format by itself. An encoder that was told its
# colorspace, primaries, transfer and range gets numbers of that colorspace, so that players show the frame's colours.
#
# What happens: `VideoCodecContext._prepare_frames_for_encode` (av/video/codeccontext.py) passes size and pixel format to
# the reformatter, and neither colorspace nor range. swscale then uses its own default, BT.601 in limited range, and the
# file says what the encoder was told. Whoever believes the label, and PyAV's own decoder does, reads a green of
# (30, 200, 60) as (15, 173, 55). A full range that is asked for is a label too. Without any label the same frame is read
# back right, as PyAV takes BT.601 then. Nothing warns.
#
# Why it matters: BT.709 is what HD video should say. Greens are then darker, here by 27 levels, which is a PSNR of 23 dB
# against the source. A comparison of two such files does not show it. Call
# `frame.reformat(format="yuv420p", dst_colorspace="ITU709")` before `encode`, besides the labels. What PyAV read wrongly
# in BT.709 before 17.0 (issue 2230) is another matter.
#
# Versions: av 18.1.0, numpy 2.4.6; Python 3.11.7.
# Date: 2026-12-01
# Needs: python3 (3.11 to 3.13) with venv. Exits with 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

cat >check.py <<'PYTHON'
import io
import platform
import sys
import warnings
from importlib.metadata import version

import av
import numpy
from av.video.reformatter import ColorRange, Colorspace

warnings.simplefilter("error")
SIZE, LEVELS = 128, (30, 200, 60)
BT709 = 1  # the number of BT.709 as matrix, primaries and transfer in H.264 and in FFmpeg
changed = []


def as_bt709(context):
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = ColorRange.MPEG


def as_full_range(context):
    context.color_range = ColorRange.JPEG


def to(**options):
    return lambda frame: frame.reformat(format="yuv420p", **options)


def encoded(label, convert):
    """Returns an MP4 of three green frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "1"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        label(stream.codec_context)
        for _ in range(3):
            picture = numpy.broadcast_to(numpy.array(LEVELS, numpy.uint8), (SIZE, SIZE, 3)).copy()
            container.mux(stream.encode(convert(av.VideoFrame.from_ndarray(picture, format="rgb24"))))
        container.mux(stream.encode())
    return io.BytesIO(file.getvalue())


packages = ", ".join(f"{name} {version(name)}" for name in ["av", "numpy"])
print(f"{packages}, Python {platform.python_version()}\n")
print(f"frames of {LEVELS}")
print(f"{'label of the encoder':22}{'conversion before encode':26}{'read as':11}{'Y, U, V':16}read back by PyAV")
unlabelled, numbers = lambda context: None, []
for title, label, means, convert, right in [
    ("none", unlabelled, "none", lambda frame: frame, True),
    ("BT.709, limited", as_bt709, "none", lambda frame: frame, False),
    ("BT.709, limited", as_bt709, "to BT.709", to(dst_colorspace=Colorspace.ITU709), True),
    ("full range", as_full_range, "none", lambda frame: frame, False),
    ("full range", as_full_range, "to full range", to(dst_color_range=ColorRange.JPEG), True),
]:
    with av.open(encoded(label, convert)) as container:
        frame = next(container.decode(video=0))
    middle = frame.to_ndarray(format="rgb24")[SIZE // 2, SIZE // 2].tolist()
    planes = tuple(numpy.asarray(plane).flat[0].item() for plane in frame.planes)
    name = "BT.709" if frame.colorspace == BT709 else "full range" if frame.color_range == ColorRange.JPEG else "nothing"
    print(f"{title:22}{means:26}{name:11}{str(planes):16}{middle}")
    if means == "none":
        numbers.append(planes)
    if (max(abs(a - b) for a, b in zip(middle, LEVELS)) <= 3) != right:
        changed.append(f"{title}, conversion {means}: read back as {middle}")
if len(set(numbers)) != 1:
    changed.append(f"the label changes the numbers: {numbers}")

for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print("\nas described: a label alone changes no number")
PYTHON
venv/bin/python check.py
