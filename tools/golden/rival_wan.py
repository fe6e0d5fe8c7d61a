"""Runs the authors' Wan forward functions on a stand-in model whose blocks add given vectors.

The functions are taken out of their files as they are, because the files import Wan itself. Each step is run twice, as
the conditional and the unconditional half, on the same values; what the conditional half does is recorded.
"""

import ast
import contextlib
import math
import types
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rival_signals import WIDTH, rows, sparse, unit

REPOSITORIES = {
    "TeaCache": "ali-vilab/TeaCache 7c10efc4702c6b619f47805f7abe4a7a08085aa0",
    "EasyCache": "H-EmbodVis/EasyCache 51278044023e678bb4026a264b02a6721f6dd395",
    "DiCache": "Bujiazi/DiCache dd7f0de10be126d7a493376480d39cebafc7039c",
    "MagCache": "Zehong-Ma/MagCache df81cb181776c2c61477c08e1d21f87fda1cd938",
    "Spectrum": "hanjq17/Spectrum f7b7841f35f28f1e9418285fe9011788f187727f",
    "ParaAttention": "chengzeyi/ParaAttention 4de137c5b96416489f06e43e19f2c14a772e28fd",
    "TaylorSeer": "Shenyi-Z/TaylorSeer 288776dfd0cbb6e201c654c31cd22139f848a6cf",
}


def function_of(file: Path, *names: str):
    """Compiles functions of a file without running the rest of it."""
    tree = ast.parse(file.read_text())
    wanted = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    amp = types.SimpleNamespace(autocast=lambda **_: contextlib.nullcontext())
    space = {"torch": torch, "np": np, "math": math, "F": F, "amp": amp}
    space["sinusoidal_embedding_1d"] = lambda size, t: torch.zeros(1, size)
    space.update({name: object for name in ("Any", "Transformer2DModelOutput")})
    module = ast.Module(body=[ast.ImportFrom("__future__", [ast.alias("annotations")], 0), *wanted], type_ignores=[])
    exec(compile(ast.fix_missing_locations(module), str(file), "exec"), space)
    return [space[name] for name in names]


class Wan:
    """A model that embeds a step's latent as it is, and whose two blocks add the probe and the rest."""

    def __init__(self, steps: int, width: int):
        self.model_type, self.freqs, self.freq_dim, self.text_len = "t2v", torch.zeros(1), 1, 1
        self.dim, self.cnt, self.num_steps = width, 0, steps * 2
        self.embedded = self.time = torch.zeros(width)
        self.additions: list[torch.Tensor] = []
        self.ran: list[int] = []

    patch_embedding = property(lambda self: _Embedding(self))

    def time_embedding(self, _):
        return self.time.reshape(1, -1).float()

    def time_projection(self, _):
        return torch.zeros(1, 6 * self.dim, dtype=torch.float32)

    def text_embedding(self, context):
        return context

    @property
    def blocks(self):
        return [lambda x, index=index, **_: self.run(index, x) for index in range(len(self.additions))]

    def run(self, index, x):
        self.ran.append(index)
        return x + self.additions[index]

    def head(self, x, _):
        return x

    def unpatchify(self, x, _):
        return [x.reshape(1, 1, 1, -1)]


class _Embedding:
    weight = torch.zeros(1)

    def __init__(self, model):
        self.model = model

    def __call__(self, _):
        return self.model.embedded.reshape(1, -1, 1, 1, 1)


def run_pair(forward, model: Wan, latent: torch.Tensor) -> tuple[torch.Tensor, bool]:
    """Runs both halves; returns the conditional prediction, and whether it ran the last block."""
    call = lambda: forward(model, [latent.reshape(1, 1, 1, -1)], torch.zeros(1), [torch.zeros(1, model.dim)], 1)[0]
    model.ran.clear()
    prediction = call().reshape(-1)
    computed = len(model.additions) - 1 in model.ran
    call()
    return prediction, computed


def teacache(root: Path, case: dict, options: dict) -> dict:
    [forward] = function_of(root / "TeaCache/TeaCache4Wan2.1/teacache_generate.py", "teacache_forward")
    steps, signal = case["steps"], rows(case, "probe")
    model = Wan(steps, WIDTH)
    model.enable_teacache, model.use_ref_steps = True, False
    model.coefficients = options["polynomial"] or [1.0, 0.0]
    model.teacache_thresh = options["threshold"]
    model.ret_steps, model.cutoff_steps = options["first"] * 2, (steps - options["last"]) * 2
    model.additions = [torch.ones(WIDTH)]
    computed = []
    for step in range(steps):
        model.time = signal[step]
        if run_pair(forward, model, torch.zeros(WIDTH))[1]:
            computed.append(step)
    return {"computed": computed}


def easycache(root: Path, case: dict, options: dict) -> dict:
    [forward] = function_of(root / "EasyCache/EasyCache4Wan2.1/easycache_generate.py", "easycache_forward")
    steps, latent, output = case["steps"], rows(case, "latent"), rows(case, "output")
    model = Wan(steps, WIDTH)
    model.k, model.thresh = None, options["threshold"]
    model.ret_steps, model.cutoff_steps = options["first"] * 2, (steps - options["last"]) * 2
    computed = []
    for step in range(steps):
        model.embedded = latent[step]
        model.additions = [output[step] - latent[step]]
        if run_pair(forward, model, latent[step])[1]:
            computed.append(step)
    return {"computed": computed}


def dicache(root: Path, case: dict, options: dict) -> dict:
    """The residual of a step is the probe and, in places of its own, 1 for the step: a forecast shows its weights."""
    [forward] = function_of(root / "DiCache/WAN2.1/run_wan_dicache.py", "dicache_forward")
    steps, latent, probe = case["steps"], rows(case, "latent"), rows(case, "probe")
    none, pair = torch.zeros(steps), lambda: [None, None]
    model = Wan(steps, WIDTH + steps)
    model.probe_depth, model.rel_l1_thresh, model.ret_ratio = 1, options["threshold"], options["warmupShare"]
    model.accumulated_rel_l1_distance, model.resume_flag = [0.0, 0.0], [False, False]
    model.residual_window, model.probe_residual_window = [[], []], [[], []]
    model.residual_cache, model.probe_residual_cache, model.previous_internal_states = pair(), pair(), pair()
    model.previous_input, model.previous_output = pair(), pair()
    computed, weights = [], {}
    for step in range(steps):
        model.embedded = torch.cat([latent[step], none])
        model.additions = [torch.cat([probe[step], none]), torch.cat([torch.zeros(WIDTH), unit(steps, step)])]
        prediction, is_computed = run_pair(forward, model, latent[step])
        if is_computed:
            computed.append(step)
        else:
            weights[step] = sparse(prediction[WIDTH:])
    return {"computed": computed, "weights": weights}


def magcache(root: Path, case: dict, options: dict) -> dict:
    file = root / "MagCache/MagCache4Wan2.1/magcache_generate.py"
    forward, nearest = function_of(file, "magcache_forward", "nearest_interp")
    steps = case["steps"]
    model = Wan(steps, WIDTH)
    ratios = nearest(np.array(options["ratios"]), steps)
    model.mag_ratios = np.repeat(ratios, 2)
    model.retention_ratio, model.magcache_thresh = options["warmupShare"], options["threshold"]
    model.K = options["maxConsecutive"]
    model.accumulated_ratio, model.accumulated_err, model.accumulated_steps = [1.0, 1.0], [0.0, 0.0], [0, 0]
    model.residual_cache, model.additions = [None, None], [torch.ones(WIDTH)]
    computed = [step for step in range(steps) if run_pair(forward, model, torch.zeros(WIDTH))[1]]
    return {"computed": computed, "resampled": ratios.tolist()}
