"""Writes test/golden/video/pictures/resize.json: pictures resized by PIL, diffusers and transformers.

    pip install torch==2.15.0 torchvision==0.29.2 diffusers==0.42.1 transformers==5.23.0 pillow==13.0.0 numpy==2.4.6
    python tools/golden/picture_resize.py

Small pictures of waves and noise, whose pixels are in the file. Of each result the file holds a hash of the bytes, because
equality is what is tested: `pil` by `Image.resize` to random sizes, `crop` of a window of it, `torch` by torchvision's
`resize` of 8-bit tensors, which CLIPImageProcessor uses. `clip` holds the values of CLIPImageProcessor for small towers, and
each 997th for the real one; `vae` a hash of the float32 values of VideoProcessor. Two runs write the same bytes.
"""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from diffusers.video_processor import VideoProcessor
from PIL import Image
from torchvision.transforms.v2 import functional
from transformers import CLIPImageProcessor

TARGET = Path(__file__).parents[2] / "test/golden/video/pictures/resize.json"
SOURCES = [(37, 23), (5, 41), (1, 1), (48, 48), (64, 3), (2, 7)]  # width and height
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def picture(width: int, height: int, generator: np.random.Generator) -> np.ndarray:
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    waves = 128 + 140 * np.sin(x / (3 + c)) * np.cos(y / (4 - c))
    return np.clip(waves + generator.normal(0, 40, waves.shape), 0, 255).astype(np.uint8)


def hashed(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def main() -> None:
    generator = np.random.default_rng(14)
    pictures = [picture(*size, generator) for size in SOURCES]
    pil, crops, torched = [], [], []
    for _ in range(160):
        source = int(generator.integers(len(pictures)))
        name = str(generator.choice(list(FILTERS)))
        width, height = (int(side) for side in generator.integers(1, 120, 2))
        case = {"source": source, "filter": name, "width": width, "height": height}
        resized = Image.fromarray(pictures[source]).resize((width, height), FILTERS[name])
        pil.append(case | {"hash": hashed(np.asarray(resized))})
        left, top = int(generator.integers(width)), int(generator.integers(height))
        box = (left, top, left + int(generator.integers(1, width - left + 1)), top + int(generator.integers(1, height - top + 1)))
        window = {"left": left, "top": top, "width": box[2] - left, "height": box[3] - top}
        crops.append(case | {"window": window, "hash": hashed(np.asarray(resized.crop(box)))})
        if name != "lanczos":
            tensor = torch.from_numpy(pictures[source]).permute(2, 0, 1).contiguous()
            mode = getattr(functional.InterpolationMode, name.upper())
            result = functional.resize(tensor, [height, width], interpolation=mode, antialias=True)
            torched.append(case | {"hash": hashed(result.permute(1, 2, 0).numpy())})
    clip = []
    for source, config in [
        (0, {"size": {"shortest_edge": 14}, "crop_size": {"height": 14, "width": 14}}),
        (1, {"size": {"shortest_edge": 16}, "crop_size": {"height": 14, "width": 12}}),
        (3, {"size": {"height": 14, "width": 20}, "crop_size": {"height": 14, "width": 14}, "resample": 2}),
        (0, {}),
        (4, {}),
    ]:
        processor = CLIPImageProcessor(**config)
        values = processor(images=Image.fromarray(pictures[source]), return_tensors="pt").pixel_values
        step = 1 if config else 997
        clip.append({"source": source, "config": json.loads(processor.to_json_string()), "step": step,
                     "values": [round(float(value), 6) for value in values.flatten()[::step]]})  # fmt: skip
    vae = []
    for source, (width, height) in [(0, (74, 46)), (3, (32, 32)), (3, (80, 80)), (2, (16, 16)), (4, (128, 6))]:
        values = VideoProcessor(vae_scale_factor=1).preprocess(Image.fromarray(pictures[source]), height=height, width=width)
        assert values.shape == (1, 3, height, width)
        vae.append({"source": source, "width": width, "height": height, "hash": hashed(values.numpy())})
    stored = [{"width": p.shape[1], "height": p.shape[0], "rgb": base64.b64encode(p.tobytes()).decode()} for p in pictures]
    groups = {"sources": stored, "pil": pil, "crop": crops, "torch": torched, "clip": clip, "vae": vae}
    lines = (f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in groups.items())
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
