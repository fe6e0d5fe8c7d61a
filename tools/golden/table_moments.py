"""Writes test/golden/caching/table-moments.json: moments of two small generations by numpy.

    pip install numpy==2.4.6
    python tools/golden/table_moments.py
"""

import json
from pathlib import Path

import numpy as np

OUTPUT = Path(__file__).parents[2] / "test/golden/caching/table-moments.json"
STEPS, ELEMENTS = 5, 24


def generation(rng: np.random.Generator, size: float) -> np.ndarray:
    """Draws tensors [steps, elements] that change slowly from step to step, float32."""
    steps = np.cumsum(rng.normal(0, 0.3, (STEPS, ELEMENTS)), axis=0) + rng.normal(0, 1, ELEMENTS)
    return (size * steps).astype(np.float32)


def main() -> None:
    rng = np.random.default_rng(12)
    # Sizes differ, so that a mean without normalisation would be another one.
    generations = [generation(rng, size) for size in (1.0, 30.0)]
    wide = [g.astype(np.float64) for g in generations]
    grams = [g @ g.T / ELEMENTS for g in wide]
    squares = [float((g**2).mean()) for g in wide]
    golden = {
        "generations": [g.tolist() for g in generations],
        "moments": np.mean([gram / square for gram, square in zip(grams, squares)], axis=0).tolist(),
        "square": float(np.mean(squares)),
    }
    OUTPUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
