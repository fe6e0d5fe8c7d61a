"""Writes test/golden/caching/kriging.json: predictions and errors of Gaussian processes by scikit-learn.

    pip install scikit-learn==1.8.0 numpy==2.4.6
    python tools/golden/kriging.py

A prediction is linear in the known values, so the weight of each is the prediction from 1 there and 0 elsewhere. The
covariances between all levels are recorded, and scikit-learn's kernel looks them up. Two runs write the same bytes.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Matern

TARGET = Path(__file__).parents[2] / "test/golden/caching/kriging.json"
RIDGE = 1e-6
LEVELS = np.linspace(1, 0.04, 13)
KERNELS = {
    "Matern 3/2": 2.5 * Matern(length_scale=0.4, nu=1.5),
    "Matern 1/2": Matern(length_scale=0.7, nu=0.5),
    "squared exponential": 0.3 * RBF(length_scale=0.3) + ConstantKernel(0.5),
    "linear": DotProduct(sigma_0=0.2) + 0.05 * Matern(length_scale=0.2, nu=2.5),
}
KNOWN = [[0], [4, 1], [1, 4], [12, 0], [7, 6], [2, 5, 11]]


def weights(kernel, known: list[int], level: float) -> tuple[list[float], float]:
    x = LEVELS[known][:, None]
    found = []
    for i in range(len(known)):
        noise = RIDGE * kernel.diag(x)
        process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(x, np.eye(len(known))[i])
        mean, deviation = process.predict([[level]], return_std=True)
        found.append(float(mean[0]))
    return found, float(deviation[0] ** 2)


def main() -> None:
    kernels = []
    for name, kernel in KERNELS.items():
        cases = []
        for known in KNOWN:
            for level in range(len(LEVELS)):
                found, error = weights(kernel, known, LEVELS[level])
                cases.append({"known": known, "level": level, "weights": found, "error": error})
        kernels.append({"name": name, "moments": kernel(LEVELS[:, None]).tolist(), "cases": cases})
    header = {"source": "scikit-learn 1.8.0", "command": "python tools/golden/kriging.py"}
    TARGET.write_text(json.dumps({**header, "levels": LEVELS.tolist(), "kernels": kernels}) + "\n")
    print(f"{sum(len(kernel['cases']) for kernel in kernels)} cases, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
