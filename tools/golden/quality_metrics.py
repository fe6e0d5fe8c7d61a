"""Writes test/golden/video/quality-metrics.json: PSNR and SSIM of small videos by scikit-image.

    pip install scikit-image==0.26.0 numpy==2.4.6
    python tools/golden/quality_metrics.py
"""

import base64
import json
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

OUTPUT = Path(__file__).parents[2] / "test/golden/video/quality-metrics.json"


def smooth_video(rng: np.random.Generator, frames: int, height: int, width: int) -> np.ndarray:
    """Draws drifting coloured waves [F, H, W, 3], uint8, as structure for SSIM."""
    f, y, x = np.meshgrid(np.arange(frames), np.arange(height), np.arange(width), indexing="ij")
    channels = []
    for _ in range(3):
        a, b, c, phase = rng.uniform(0.1, 0.6, 4)
        channels.append(127.5 + 120 * np.sin(a * x + b * y + c * f + 6 * phase))
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def distortions(rng: np.random.Generator, video: np.ndarray):
    noise = rng.normal(0, 12, video.shape)
    yield "noise", np.clip(video + noise, 0, 255)
    yield "brighter", np.clip(video + 20.0, 0, 255)
    yield "shifted", np.roll(video, 2, axis=2)
    yield "last frame differs", np.concatenate([video[:-1], 255 - video[-1:]])
    yield "unrelated", rng.integers(0, 256, video.shape)
    yield "identical", video


def metrics(a: np.ndarray, b: np.ndarray) -> dict:
    identical = np.array_equal(a, b)
    per_frame = [
        structural_similarity(
            x, y, data_range=255, channel_axis=-1,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )
        for x, y in zip(a, b, strict=True)
    ]
    return {
        "psnr": None if identical else float(peak_signal_noise_ratio(a, b, data_range=255)),
        "ssim": float(np.mean(per_frame)),
    }


def main() -> None:
    rng = np.random.default_rng(20040401)
    videos = []
    for frames, height, width in [(2, 11, 11), (3, 16, 24)]:
        video = smooth_video(rng, frames, height, width)
        cases = []
        for name, values in distortions(rng, video):
            other = np.asarray(values).round().astype(np.uint8)
            cases.append({"name": name, "rgb": encode(other), **metrics(video, other)})
        videos.append(
            {"count": frames, "height": height, "width": width, "rgb": encode(video), "cases": cases}
        )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps({"source": "scikit-image 0.26.0", "videos": videos}, indent=1) + "\n")


def encode(video: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(video, dtype=np.uint8).tobytes()).decode()


if __name__ == "__main__":
    main()
