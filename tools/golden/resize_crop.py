"""Writes test/golden/video/resize-crop.json: pictures resized and cropped by Open-Sora.

    pip install torch==2.15.0 torchvision==0.29.2 pillow==13.0.0 numpy==2.4.6
    git clone --branch v1.2.0 https://github.com/hpcaitech/Open-Sora.git
    python tools/golden/resize_crop.py --checkout Open-Sora

`resize_crop_to_fill` is the authors', run on small pictures of waves and noise. Two runs write the same bytes.
"""

import argparse
import base64
import io
import json
import sys
import types
from pathlib import Path

import numpy as np
import torchvision.io
from PIL import Image

TARGET = Path(__file__).parents[2] / "test/golden/video/resize-crop.json"
# Width and height of the picture, and of the result.
SIZES = [((37, 23), (16, 16)), ((41, 90), (32, 16)), ((60, 31), (32, 24)), ((64, 64), (16, 16))]


def load(checkout: Path):
    """Loads the authors' module, with stand-ins for its imports for videos, tables and downloads."""
    for name in ("pandas", "requests", "opensora", "opensora.datasets", "opensora.datasets.video_transforms"):
        sys.modules[name] = types.ModuleType(name)
    for name in ("opensora", "opensora.datasets"):
        sys.modules[name].__path__ = [str(checkout.joinpath(*name.split(".")))]
    torchvision.io.write_video = None  # removed since
    from opensora.datasets import utils

    return utils


def picture(width: int, height: int, generator: np.random.Generator) -> Image.Image:
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    waves = 128 + 90 * np.sin(x / (3 + c)) * np.cos(y / (4 - c))
    return Image.fromarray(np.clip(waves + generator.normal(0, 12, waves.shape), 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, required=True, help="hpcaitech/Open-Sora at v1.2.0")
    utils = load(parser.parse_args().checkout)
    generator = np.random.default_rng(3)
    cases = []
    for size, (width, height) in SIZES:
        source = picture(*size, generator)
        file = io.BytesIO()
        source.save(file, "PNG")
        pixels = np.asarray(utils.resize_crop_to_fill(source, (height, width)))
        encode = lambda data: base64.b64encode(data).decode()
        cases.append({"width": width, "height": height, "png": encode(file.getvalue()), "rgb": encode(pixels.tobytes())})
    TARGET.write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
