"""Runs the forecasts of Spectrum, TaylorSeer and cache-dit on values that are 1 for their step, which show weights."""

import importlib
import sys
import types
from pathlib import Path

import torch
from rival_signals import sparse, unit
from rival_wan import function_of


def spectrum(root: Path, case: dict, options: dict) -> dict:
    """The authors' Wan forward, whose blocks return 1 for the step; in float32, where they have bfloat16."""
    source = str(root / "Spectrum/src")
    sys.path.insert(0, source)
    for name in [name for name in sys.modules if name.split(".")[0] in ("utils", "cache_functions")]:
        del sys.modules[name]
    utils = importlib.import_module("utils")
    basis = importlib.import_module("utils.basis_utils")
    caches = importlib.import_module("cache_functions.cache_init")
    sys.path.remove(source)
    utils.DTYPE = basis.DTYPE = torch.float32
    utils.set_method("spectrum")
    utils.set_w(options["share"]), utils.set_m(options["degree"]), utils.set_lam(options["ridge"])
    [forward] = function_of(Path(source) / "pipelines/wan_forward.py", "our_wan_forward")
    forward.__globals__.update(
        USE_PEFT_BACKEND=False,
        cache_init=caches.cache_init,
        step_derivative_approximation=utils.step_derivative_approximation,
        step_taylor_formula=utils.step_taylor_formula,
    )
    steps = case["steps"]
    ran: list[int] = []
    model = types.SimpleNamespace(
        config=types.SimpleNamespace(patch_size=(1, 1, 1)),
        rope=lambda x: None,
        patch_embedding=lambda x: torch.zeros(1, steps, 1, 1, 1),
        condition_embedder=lambda *_: (torch.zeros(1, steps), torch.zeros(1, 6 * steps), None, None),
        scale_shift_table=torch.zeros(1, 2, steps),
        norm_out=lambda x: x,
        proj_out=lambda x: x,
        num_steps=steps,
        warmup_steps=options["first"],
        window_size=options["window"],
        flex_window=options["growth"],
        cnt=0,
        num_consecutive_cached_steps=0,
        curr_ws=options["window"],
        actual_forward_counter=0,
    )
    state: dict = {"cache_dic": None}
    computed, weights = [], {}
    for step in range(steps):
        ran.clear()
        model.blocks = [lambda *_, step=step: ran.append(step) or unit(steps, step).float().reshape(1, 1, -1)]
        sample = torch.zeros(1, 1, 1, 1, 1)
        output, state = forward(model, sample, torch.zeros(1), None, return_dict=False, temp_dict=state)
        if ran:
            computed.append(step)
        else:
            weights[step] = sparse(output)
    return {"computed": computed, "weights": weights}


def taylorseer_authors(root: Path, case: dict, options: dict) -> dict:
    source = str(root / "TaylorSeer/TaylorSeer-Wan2.1/wan/taylorseer")
    sys.path.insert(0, source)
    for name in [name for name in sys.modules if name.split(".")[0] == "cache_functions"]:
        del sys.modules[name]
    functions = importlib.import_module("cache_functions")
    ladder = importlib.import_module("taylorseer_utils")
    sys.path.remove(source)
    steps = case["steps"]
    caches, current = functions.cache_init(types.SimpleNamespace(num_layers=1), steps)
    caches.update(fresh_threshold=options["interval"], max_order=options["order"], first_enhance=options["first"])
    place = {"stream": "cond_stream", "layer": 0, "module": "ffn"}
    computed, weights = [], {}
    for step in range(steps):
        current.update(step=step, **place)
        functions.cal_type(caches, current)
        if current["type"] == "full":
            ladder.taylor_cache_init(caches, current)
            ladder.derivative_approximation(caches, current, unit(steps, step))
            computed.append(step)
        else:
            factors = caches["cache"][-1][place["stream"]][place["layer"]][place["module"]]
            weights[step] = sparse(ladder.taylor_formula(factors, step - current["activated_steps"][-1]))
    return {"computed": computed, "weights": weights}


def calibrator(_: Path, case: dict, options: dict) -> dict:
    """cache-dit's Taylor calibrator on a given schedule."""
    from cache_dit.caching.cache_contexts.calibrators.taylorseer import TaylorSeerState

    state = TaylorSeerState(n_derivatives=options["order"])
    weights = {}
    for step in range(case["steps"]):
        state.mark_step_begin()
        if step in options["computed"]:
            state.update(unit(case["steps"], step))
        else:
            weights[step] = sparse(state.approximate())
    return {"computed": options["computed"], "weights": weights}


