"""Writes test/golden/preview/least-squares.json: linear fits by numpy's lstsq, and their errors at other points.

    pip install numpy==2.4.6
    python tools/golden/least_squares.py

Two runs write the same bytes.
"""

import json
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[2] / "test/golden/preview/least-squares.json"
CASES = [("4 channels", 4, 3, 60, 1.0, 5.0), ("16 correlated channels", 16, 3, 200, 0.05, 12.0), ("large offsets", 6, 12, 120, 1.0, 0.5)]


def points(rng, mix, matrix, offset, count, noise):
    inputs = np.round(rng.normal(size=(count, len(mix))) @ mix + 0.3, 4)
    return inputs, np.round(inputs @ matrix.T + offset + noise * rng.normal(size=(count, len(offset))), 4)


def case(seed: int, name: str, channels: int, outputs: int, count: int, spread: float, noise: float) -> dict:
    rng = np.random.default_rng(seed)
    mix = spread * np.eye(channels) + (1 - spread) * rng.normal(size=(channels, channels)) / np.sqrt(channels)
    matrix, offset = 40 * rng.normal(size=(outputs, channels)), 128 + 50 * rng.normal(size=outputs)
    x, y = points(rng, mix, matrix, offset, count, noise)
    other, expected = points(rng, mix, matrix, offset, count // 2, noise)
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(count)]), y, rcond=None)[0]
    error = np.column_stack([other, np.ones(len(other))]) @ solution - expected
    return {
        "name": name,
        "inputs": x.tolist(),
        "outputs": y.tolist(),
        "held_out": {"inputs": other.tolist(), "outputs": expected.tolist()},
        "matrix": solution[:-1].T.tolist(),
        "offset": solution[-1].tolist(),
        "rms": float(np.sqrt(np.mean(error**2))),
        "r2": float(1 - np.mean(error**2) / expected.var(axis=0).mean()),
    }


made = {
    "source": f"numpy {np.__version__}, numpy.linalg.lstsq",
    "cases": [case(seed, *each) for seed, each in enumerate(CASES)],
}
TARGET.parent.mkdir(parents=True, exist_ok=True)
TARGET.write_text(json.dumps(made) + "\n")
