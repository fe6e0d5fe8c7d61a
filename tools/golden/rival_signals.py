"""Synthetic signals of rival_policies.py: smooth random sequences, as integers in units of 1/256, which are exact."""

import numpy as np
import torch

UNIT = 256
WIDTH = 12
LATENT_SHAPE = (1, 2, 2, 3)  # channels, frames, rows, columns


def smooth(rng: np.random.Generator, steps: int, swing: float) -> np.ndarray:
    """Draws [steps, WIDTH] values that change fast at both ends of a video and slowly between."""
    u = np.linspace(0, 1, steps)[:, None]
    pace = u + 0.12 * np.sin(2 * np.pi * u) * rng.uniform(0.5, 1)
    values = rng.normal(0, 1.5, WIDTH) + np.zeros((steps, 1))
    for wave in range(1, 4):
        phase = rng.uniform(0, 2 * np.pi, WIDTH)
        values = values + swing / wave * rng.normal(0, 1, WIDTH) * np.sin(wave * np.pi * pace + phase)
    return np.round(values * UNIT).astype(int)


def sequence(seed: int, steps: int) -> dict:
    rng = np.random.default_rng(seed)
    return {
        "steps": steps,
        "latent": smooth(rng, steps, 0.7).tolist(),
        "output": smooth(rng, steps, 0.5).tolist(),
        "probe": smooth(rng, steps, 0.9).tolist(),
    }


def rows(case: dict, name: str) -> torch.Tensor:
    """Returns a signal as [steps, WIDTH], float64."""
    return torch.tensor(case[name], dtype=torch.float64) / UNIT


def unit(steps: int, step: int) -> torch.Tensor:
    """Returns the vector that is 1 at a step: a residual like this makes a forecast equal to its weights."""
    return torch.eye(steps, dtype=torch.float64)[step]


def sparse(weights) -> list:
    """Returns [step, weight] of the weights that are not 0, the newest first."""
    values = [float(value) for value in weights.reshape(-1)]
    return [[step, round(value, 9)] for step, value in reversed(list(enumerate(values))) if abs(value) > 1e-12]
