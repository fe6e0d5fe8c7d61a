"""Writes test/golden/rival-policies.json: what public implementations of caching policies decide on synthetic signals.

    pip install torch==2.15.0 diffusers==0.42.1 cache-dit==1.5.3 transformers==5.23.0 numpy==2.4.6
    git clone https://github.com/ali-vilab/TeaCache      # and the others of REPOSITORIES in rival_wan.py,
    python tools/golden/rival_policies.py --checkouts .  # at the commits named there, side by side

The implementations run as they are, on stand-in models (rival_hooks.py, rival_wan.py, rival_forecasts.py), in float64
where that can be set. Exceptions: NaviCache is ported below from its formulas, and Spectrum runs in float32. A case
is kept only if the decisions are the same for thresholds 0.1 % lower and higher; else the threshold is moved. A few
cases hit their threshold exactly. Two runs write the same bytes.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import rival_forecasts as forecasts
import rival_hooks as hooks
import rival_wan as wan
import torch
from rival_signals import LATENT_SHAPE, UNIT, rows, sequence

TARGET = Path(__file__).parents[2] / "test/golden/rival-policies.json"
STEPS = [20, 30, 50]
LATTE = [-2.46434137e3, 3.08044764e2, 8.07447667e1, -4.11385132, 1.11001402e-1]
OPEN_SORA = [2.17546007e2, -1.18329252e2, 2.68662585e1, -4.59364272e-2, 4.8442624e-2]


def navicache(_: Path, case: dict, options: dict) -> dict:
    """Port of `navicache_forward` of HelloZicky/NaviCache 3987f30, NaviCache4Wan2.1, for the conditional half."""
    steps, x, v = case["steps"], rows(case, "latent").numpy(), rows(case, "output").numpy()
    size = lambda values: np.abs(values).mean()
    ratio, variance, total, last, computed = None, 1.0, 0.0, None, []
    for step in range(steps):
        is_first = step < options["first"]
        if is_first or step >= steps - options["last"] or ratio is None:
            total, due = 0.0, True
        else:
            total += ratio * size(x[step] - x[step - 1]) / size(v[last])
            due = not total < options["threshold"]
            total = 0.0 if due else total
        if not due:
            continue
        if last is not None:
            measured = size(v[step] - v[last]) / (size(x[step] - x[last]) + 1e-8)
            if is_first:
                ratio, variance = measured, 1.0
            else:
                variance += options["processNoise"]
                gain = variance / (variance + options["measurementNoise"] + 1e-8)
                ratio, variance = ratio + gain * (measured - ratio), (1 - gain) * variance
        last = step
        computed.append(step)
    return {"computed": computed}


def settings(case: dict):
    """Yields (rule, function, options). Options have the names that the rules have."""
    steps = case["steps"]
    for threshold, polynomial in ((0.1, LATTE), (0.4, LATTE), (0.2, OPEN_SORA), (0.6, OPEN_SORA), (0.3, None)):
        yield "teacache", wan.teacache, {"threshold": threshold, "polynomial": polynomial, "first": 1, "last": 1}
    yield "teacache", wan.teacache, {"threshold": 0.25, "polynomial": None, "first": 5, "last": 0}
    for threshold in (0.05, 0.12, 0.3):
        yield "first-block diffusers", hooks.first_block, {"threshold": threshold}
        yield "first-block ParaAttention", hooks.para_attention, {"threshold": threshold, "warmup": 3}
    library = {"blocks": 8, "threshold": 0.08, "warmup": 8, "maxConsecutive": None, "maxReused": None}
    servers = {"blocks": 1, "threshold": 0.24, "warmup": 4, "maxConsecutive": 3, "maxReused": None}
    for base, changed in ((library, {}), (library, {"threshold": 0.2}), (servers, {}), (servers, {"maxReused": 7})):
        yield "dbcache", hooks.dbcache, {**base, **changed}
    yield "dbcache", hooks.dbcache, {**servers, "threshold": 1.2}
    for threshold, first in ((0.05, 10), (0.2, 2), (0.4, 5)):
        options = {"threshold": threshold, "first": first, "last": 1}
        yield "easycache", wan.easycache, options
        yield "navicache", navicache, {**options, "processNoise": 0.05, "measurementNoise": 0.05}
    for threshold, order, maximum in ((0.25, 1, 2), (0.25, 0, 2), (0.6, 1, 0)):
        options = {"threshold": threshold, "order": order, "first": 1, "last": 1, "maxConsecutive": maximum}
        yield "seacache", hooks.seacache, options
    for threshold in (0.08, 0.2, 0.5):
        yield "dicache", wan.dicache, {"threshold": threshold, "warmupShare": 0.2, "gammaLimit": 2, "last": 0}
    norms = rows(case, "output").norm(dim=-1)
    ratios = [1.0, *(norms[1:] / norms[:-1]).tolist()]
    for threshold, limit, share in ((0.12, 2, 0.2), (0.12, 4, 0.2), (0.06, 3, 0.2), (0.24, 5, 0.1)):
        options = {"threshold": threshold, "maxConsecutive": limit, "warmupShare": share}
        yield "magcache authors", wan.magcache, {**options, "ratios": [round(ratio, 5) for ratio in ratios]}
    fewer = [round(ratio, 5) for ratio in ratios[:: 2 if steps > 20 else 3]]
    for rule, function in (("magcache authors", wan.magcache), ("magcache diffusers", hooks.magcache)):
        yield rule, function, {"threshold": 0.24, "maxConsecutive": 5, "warmupShare": 0.2, "ratios": fewer}


def timed_settings(steps: int):
    """Yields the rules that know nothing but the step."""
    for interval, first, order in ((5, 1, 1), (6, 3, 1), (4, 3, 2)):
        options = {"interval": interval, "first": first, "order": order}
        yield "taylorseer authors", forecasts.taylorseer_authors, options
        yield "taylorseer diffusers", hooks.taylorseer, options
    for order, computed in ((1, [0, 1, 2, 5, 6, 10]), (2, [0, 1, 2, 3, 7, 11, 12])):
        yield "calibrator", forecasts.calibrator, {"order": order, "computed": [*computed, steps - 4]}
    for growth, share in ((0.75, 1.0), (3.0, 1.0), (0.75, 0.5)):
        common = {"first": 5, "window": 2, "degree": 4, "ridge": 0.1}
        yield "spectrum", forecasts.spectrum, {**common, "growth": growth, "share": share}


def ties(index: int):
    """Yields cases on the last sequence, whose drifts are 0.25, 0 and 1.7 exactly: thresholds hit, or above 1."""
    common = {"blocks": 1, "warmup": 1, "maxConsecutive": None, "maxReused": None}
    for rule, function, options in (
        ("first-block diffusers", hooks.first_block, {"threshold": 0.25}),
        ("first-block ParaAttention", hooks.para_attention, {"threshold": 0.25, "warmup": 0}),
        ("first-block ParaAttention", hooks.para_attention, {"threshold": 0, "warmup": 0}),
        ("dbcache", hooks.dbcache, {**common, "threshold": 0.25}),
        ("dbcache", hooks.dbcache, {**common, "threshold": 1}),
        ("dbcache", hooks.dbcache, {**common, "threshold": 0}),
    ):
        yield {"rule": rule, "sequence": index, "options": options}, function


def robust(function, root: Path, case: dict, options: dict) -> tuple[dict, dict]:
    """Moves the threshold until the decisions hold for neighbouring ones too."""
    while True:
        at = lambda factor: function(root, case, {**options, "threshold": options["threshold"] * factor})
        result = at(1)
        if all(at(factor)["computed"] == result["computed"] for factor in (0.999, 1.001)):
            return options, result
        options = {**options, "threshold": round(options["threshold"] * 1.007, 6)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=Path, required=True, help="folder of the repositories, side by side")
    root = parser.parse_args().checkouts
    for name, pinned in wan.REPOSITORIES.items():
        found = subprocess.run(["git", "-C", root / name, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
        if found.strip() != pinned.split()[1]:
            raise SystemExit(f"{root / name} has to be {pinned}, found {found.strip() or 'no checkout'}")
    torch.set_default_dtype(torch.float64)
    sequences = [sequence(seed * 100 + steps, steps) for steps in STEPS for seed in (1, 2)]
    cases = []
    for index, signals in enumerate(sequences):
        for rule, function, options in settings(signals):
            options, result = robust(function, root, signals, options)
            cases.append({"rule": rule, "sequence": index, "options": options, **result})
    tie = [[round(factor * UNIT)] * 12 for factor in (1, 1.25, 1, 2.7)]
    sequences.append({"steps": len(tie), "latent": tie, "output": tie, "probe": tie})
    for case, function in ties(len(sequences) - 1):
        cases.append({**case, **function(root, sequences[-1], case["options"])})
    for steps in STEPS:
        for rule, function, options in timed_settings(steps):
            result = function(root, {"steps": steps}, options)
            cases.append({"rule": rule, "steps": steps, "options": options, **result})
    shape = (2, 3, 4, 5)
    latent = torch.round(torch.tensor(np.random.default_rng(7).normal(0, 1, shape)) * UNIT)
    filtered = [
        {"sigma": sigma, "values": [round(v, 6) for v in hooks.sea_filter(latent / UNIT, sigma).reshape(-1).tolist()]}
        for sigma in (1.0, 0.9, 0.5, 0.1, 0.0)
    ]
    rng = np.random.default_rng(11)
    inputs = np.round(rng.uniform(0.01, 0.35, 40), 4)
    outputs = np.round(np.polyval(LATTE, inputs) + rng.normal(0, 0.02, 40), 4)
    coefficients = np.polyfit(inputs, outputs, 4).tolist()
    fit = {"inputs": inputs.tolist(), "outputs": outputs.tolist(), "coefficients": coefficients}
    libraries = "torch 2.15.0, diffusers 0.42.1, cache-dit 1.5.3, numpy 2.4.6"
    golden = {
        "madeBy": {"libraries": libraries, **wan.REPOSITORIES, "NaviCache": "ported from HelloZicky/NaviCache 3987f30"},
        "unit": UNIT,
        "latentShape": LATENT_SHAPE,
        "filter": {"shape": shape, "latent": latent.reshape(-1).int().tolist(), "filtered": filtered},
        "polynomial": fit,
        "sequences": sequences,
        "cases": cases,
    }
    lines = [f'"{key}": {json.dumps(value)}' for key, value in golden.items() if key not in ("sequences", "cases")]
    for key in ("sequences", "cases"):
        items = ",\n".join(json.dumps(item, separators=(",", ":")) for item in golden[key])
        lines.append(f'"{key}": [\n{items}\n]')
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(cases)} cases, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
