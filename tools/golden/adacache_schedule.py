"""Writes test/golden/caching/adacache-schedule.json: AdaCache schedules made by the authors' own code.

    git clone https://github.com/AdaCache-DiT/AdaCache adacache
    git -C adacache checkout 2c6d3ca0320afd1f3ac41ac52673c79c8f6e00a4
    pip install torch==2.15.0 numpy==2.4.6 einops==0.8.2 timm==1.0.31 transformers==5.23.0
    python tools/golden/adacache_schedule.py adacache

It runs their `STDiT3.forward` over their `STDiT3Block`s, so the step counter, the skip rule, `compute_next_step` and
the hand-over of the rate are theirs. Packages that only the imports need (xformers, mmengine, colossalai, ...) are stubs. In the
synthetic cases the attention of each block is replaced by one that returns a recorded residual and its gate by 1; in the
"model" cases the attention is theirs, with random weights, in their rectified flow loop. The cross-attention (xformers) adds 0.

A case stores what a host needs to replay it: the probe of every step that was computed, in order, [B, F*S, D]; reused
steps have none. Synthetic probes are small integers, so that every sum is exact in float32 and in float64. For a
measured step it stores [distance, motion factor, rate] as the authors' code had them (float32).

Ties. torch rounds a threshold to float32 before it compares, a host that works in float64 does not, so a published
threshold such as 0.08 has no exact tie in both. The "tie" cases use thresholds that are exact in both (sixteenths) and hit them on
purpose; all other cases stay 1e-5 relative away from every threshold, and are drawn again where they do not.
"""

import base64
import contextlib
import io
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from torch import nn

COMMIT = "2c6d3ca0320afd1f3ac41ac52673c79c8f6e00a4"
TARGET = Path(__file__).parents[2] / "test/golden/caching/adacache-schedule.json"

BOOKS = {
    "fast-30": {0.08: 6, 0.16: 5, 0.24: 4, 0.32: 3, 0.40: 2, 1.00: 1},
    "slow-30": {0.08: 3, 0.16: 2, 0.24: 1, 0.32: 1, 0.40: 1, 1.00: 1},
    "fast-100": {0.03: 12, 0.05: 10, 0.07: 8, 0.09: 6, 0.11: 4, 1.00: 3},
    "sixteenths": {0.0625: 6, 0.125: 5, 0.1875: 4, 0.25: 3, 0.3125: 2, 1.00: 1},
}
WIDTH = 4
MARGIN = 1e-5




def import_authors(checkout: Path):
    """Imports their stdit3 module and rectified flow package, with stubs for modules that are only imported."""
    sys.path.insert(0, str(checkout))

    def stub(name, **attributes):
        module = types.ModuleType(name)
        module.__dict__.update(attributes)
        sys.modules[name] = module
        return module

    def package(name):
        stub(name, __path__=[str(checkout / name.replace(".", "/"))])

    class Registry:
        def register_module(self, _name):
            return lambda target: target

    class RotaryEmbedding(nn.Module):
        def __init__(self, dim):
            super().__init__()

        def rotate_queries_or_keys(self, x):
            return x

    root = "opensora_base.opensora"
    for name in ["opensora_base", root, f"{root}.models", f"{root}.models.stdit", f"{root}.models.layers"]:
        package(name)
    package(f"{root}.schedulers")
    for name in ["acceleration", "utils", "schedulers.iddpm"]:
        package(f"{root}.{name}")
    stub("xformers").ops = stub("xformers.ops")
    stub("rotary_embedding_torch", RotaryEmbedding=RotaryEmbedding)
    stub(f"{root}.registry", MODELS=Registry(), SCHEDULERS=Registry())
    stub(f"{root}.acceleration.checkpoint", auto_grad_checkpoint=lambda module, *args: module(*args))
    stub(
        f"{root}.acceleration.communications",
        all_to_all=None,
        gather_forward_split_backward=None,
        split_forward_gather_backward=None,
    )
    stub(f"{root}.acceleration.parallel_states", get_sequence_parallel_group=None)
    stub(f"{root}.utils.ckpt_utils", load_checkpoint=None)
    stub(f"{root}.schedulers.iddpm.gaussian_diffusion", _extract_into_tensor=None, mean_flat=None)

    from opensora_base.opensora.models.stdit import stdit3
    from opensora_base.opensora.schedulers import rf

    return stdit3, rf


class Zero(nn.Module):
    """Stub of a sub-layer that adds nothing."""

    def forward(self, x, *_):
        return torch.zeros_like(x)


class Recorded(nn.Module):
    """Stub of a temporal attention; returns `probe` [B, F*S, D] in the layout the block asks for."""

    def __init__(self, tokens):
        super().__init__()
        self.tokens, self.probe = tokens, None

    def forward(self, _x):
        batch, _, width = self.probe.shape
        return self.probe.view(batch, -1, self.tokens, width).transpose(1, 2).reshape(-1, self.frames, width)

    @property
    def frames(self):
        return self.probe.shape[1] // self.tokens


class Spy:
    """Reads the local variables of `compute_next_step` when it returns: the distance is not available elsewhere."""

    def __init__(self, block_class):
        self.original, self.decisions = block_class.compute_next_step, []

        def spied(block, *args):
            sys.setprofile(self.profile)
            try:
                return self.original(block, *args)
            finally:
                sys.setprofile(None)

        block_class.compute_next_step = spied

    def profile(self, frame, event, _argument):
        if event == "return" and frame.f_code is self.original.__code__:
            names = frame.f_locals
            factor = float(names["moreg"]) if names["self"].apply_moreg else None
            self.decisions.append([float(names["cache_diff"]), factor, names["new_rate"]])

    def take(self):
        taken, self.decisions = self.decisions, []
        return taken


def build_model(stdit3, case, depth=1, hidden_size=WIDTH):
    motion = case["motion"]
    settings = dict(moreg_strides=motion["strides"], moreg_steps=tuple(motion["window"])) if motion else {}
    config = stdit3.STDiT3Config(
        hidden_size=hidden_size,
        depth=depth,
        num_heads=1,
        caption_channels=4,
        model_max_length=1,
        skip_y_embedder=True,
        num_sampling_steps=case["steps"],
        do_cache=True,
        cache_loc=[depth - 1],
        codebook=dict(case["book"]),
        apply_moreg=motion is not None,
        **settings,
    )
    model = stdit3.STDiT3(config).eval()
    for block in [*model.spatial_blocks, *model.temporal_blocks]:
        block.cross_attn = Zero()
    return model


def record_synthetic(model, case):
    """Builds the model with recorded temporal attention and no other residuals."""
    (spatial,), (temporal,) = model.spatial_blocks, model.temporal_blocks
    for block in (spatial, temporal):
        block.attn, block.mlp = Zero(), Zero()
        nn.init.zeros_(block.scale_shift_table)
        block.scale_shift_table.data[2] = 1  # gate of the attention
    nn.init.zeros_(model.t_block[1].weight)
    temporal.attn = Recorded(case["tokens"])
    return model


def run_synthetic(spy, model, case, probes, stop=None):
    """Runs one video through `model`. Returns the 1-based steps it computed, and its decisions at them."""
    block = model.temporal_blocks[0]
    batch, length, _ = probes[0].shape
    size = (batch, 4, length // case["tokens"], 2, 2 * case["tokens"])
    ones = torch.ones(batch)
    computed = []
    calls = []
    handle = block.attn.register_forward_pre_hook(lambda *_: calls.append(None))
    for step, probe in enumerate(probes[:stop], 1):
        block.attn.probe = probe
        calls.clear()
        model(torch.zeros(size), ones, torch.zeros(1, 1, WIDTH), [1], fps=ones, height=ones, width=ones)
        if calls:
            computed.append(step)
    handle.remove()
    return computed, spy.take()




def change_profile(kind, steps, rng):
    """Relative change of the residual from one step to the next."""
    s = np.arange(steps) / max(steps - 1, 1)
    typical = 9.0 / max(steps, 30)
    if kind == "still":
        return np.where(rng.random(steps) < 0.9, 0.0, typical)
    if kind == "constant":
        return np.full(steps, typical * 10 ** rng.uniform(-0.7, 0.3))
    if kind == "valley":  # typical of a diffusion transformer: fast, slow, fast again
        return typical * (0.1 + 3 * np.exp(-10 * s) + rng.uniform(0.5, 2) * s**4)
    if kind == "rising":
        return typical * (0.1 + 2.5 * s)
    if kind == "bursts":
        return typical * np.where(rng.random(steps) < 0.2, 4.0, 0.3)
    return typical * 10 ** rng.uniform(-0.8, 0.6, steps)


PROFILES = ["still", "constant", "valley", "rising", "bursts", "random"]


def walk(case, rng):
    """Residuals that change at the rate of a profile, and move between frames about as much as the reference score.

    Every value oscillates with its own phase, so that the change grows with the gap, as it does between real steps.
    """
    frames, tokens, steps = case["frames"], case["tokens"], case["steps"]
    phase = np.cumsum(change_profile(case["profile"], steps, rng))
    still_phase = rng.uniform(0, 2 * np.pi, (2, 1, tokens, WIDTH))
    moving_phase = rng.uniform(0, 2 * np.pi, (2, frames, tokens, WIDTH))
    amount = rng.uniform(0.25, 0.6) * (1 + 0.25 * np.sin(np.linspace(0, rng.uniform(1, 6), steps)))
    probes = []
    for turn, motion in zip(phase, amount):
        values = np.cos(still_phase + turn) + motion * np.cos(moving_phase + turn)
        probes.append(np.rint(65 * values).reshape(2, frames * tokens, WIDTH))
    return probes


def flips(case, rng):
    """Residuals of 32 values of +-8, of which some change sign at each step: the change is a whole number of sixteenths."""
    values = rng.choice([-8.0, 8.0], 32)
    probes = []
    for _ in range(case["steps"]):
        values = values.copy()
        values[rng.choice(32, rng.choice(8), replace=False)] *= -1
        probes.append(values.reshape(2, case["frames"] * case["tokens"], WIDTH))
    return probes


def zeros_between(case, rng):
    """Residuals that are all zeros at the first two steps and at a few later ones."""
    probes = walk(case, rng)
    for step in [0, 1, *rng.choice(np.arange(3, case["steps"]), 6, replace=False)]:
        probes[step] = np.zeros_like(probes[step])
    return probes




def motion_of(window, strides=(1,)):
    return {"window": list(window), "strides": list(strides)}


def plan_cases():
    """Lists all cases: (count, description)."""
    window_30, window_100 = motion_of((4, 26)), motion_of((10, 90))
    walk_30 = dict(kind="walk", steps=30, frames=3, tokens=1)
    walk_100 = dict(kind="walk", steps=100, frames=3, tokens=1)
    yield 30, dict(walk_30, book="fast-30", motion=None)
    yield 30, dict(walk_30, book="fast-30", motion=window_30)
    yield 24, dict(walk_30, book="slow-30", motion=None)
    yield 24, dict(walk_30, book="slow-30", motion=window_30)
    yield 18, dict(walk_100, book="fast-100", motion=None)
    yield 18, dict(walk_100, book="fast-100", motion=window_100)
    yield 6, dict(walk_30, steps=50, tokens=2, book="fast-30", motion=motion_of((7, 43)))
    yield 6, dict(walk_30, frames=4, tokens=2, book="fast-30", motion=motion_of((4, 26), (1, 2)))
    yield 6, dict(walk_30, book="fast-30", motion=motion_of((1, 30)))
    yield 6, dict(kind="single frame", steps=30, frames=1, tokens=2, book="fast-30", motion=None)
    yield 3, dict(kind="single frame", steps=100, frames=1, tokens=2, book="fast-100", motion=None)
    yield 12, dict(kind="tie", steps=30, frames=2, tokens=2, book="sixteenths", motion=None)
    yield 6, dict(kind="tie", steps=100, frames=2, tokens=2, book="sixteenths", motion=None)
    yield 4, dict(kind="zeros", steps=30, frames=3, tokens=1, book="fast-30", motion=None)
    yield 2, dict(kind="zeros", steps=30, frames=3, tokens=1, book="slow-30", motion=None)
    for steps in range(1, 9):
        yield 2, dict(walk_30, steps=steps, book="fast-30", motion=None)
        yield 2, dict(walk_30, steps=steps, book="fast-30", motion=motion_of((1, steps)))
    yield 4, dict(walk_30, kind="after another video", book="fast-30", motion=motion_of((4, 30)))
    yield 4, dict(walk_30, kind="after a cancelled video", book="fast-30", motion=window_30)


MAKERS = {"tie": flips, "zeros": zeros_between}


def is_clear(decisions, book):
    """Returns true if every distance is further from every threshold than the rounding of float32."""
    return all(abs(d / t - 1) > MARGIN for d, _, _ in decisions if np.isfinite(d) for t in book)


def finite(value):
    return float(np.float32(value)) if value is not None and np.isfinite(value) else None


def short(decisions):
    def digits(value):
        value = finite(value)
        return None if value is None else float(f"{value:.9g}")

    return [[digits(distance), digits(factor), rate] for distance, factor, rate in decisions]


def encode(probes, dtype):
    return base64.b64encode(np.stack(probes).astype(dtype).tobytes()).decode()


def make_synthetic(stdit3, spy, plan, index):
    case = dict(plan, profile=PROFILES[index % len(PROFILES)])
    case["book"] = BOOKS[plan["book"]]
    for attempt in range(50):
        rng = np.random.default_rng([len(plan["kind"]), plan["steps"], index, attempt])
        arrays = MAKERS.get(plan["kind"], walk)(case, rng)
        probes = [torch.tensor(array, dtype=torch.float32) for array in arrays]
        fresh = record_synthetic(build_model(stdit3, case), case)
        computed, decisions = run_synthetic(spy, fresh, case, probes)
        if plan["kind"] == "tie" or is_clear(decisions, case["book"]):
            break
    else:
        raise SystemExit(f"no sequence clear of every threshold: {plan}")

    record = {
        "kind": plan["kind"],
        "steps": plan["steps"],
        "book": plan["book"],
        "motion": plan["motion"],
        "frames": plan["frames"],
        "tokens": plan["tokens"],
        "dtype": "int8",
        "probes": encode([arrays[step - 1] for step in computed], np.int8),
        "computed": computed,
        "decisions": short(decisions),
    }
    if plan["kind"].startswith("after"):
        model = record_synthetic(build_model(stdit3, case), case)
        stop = 11 if "cancelled" in plan["kind"] else None
        other = walk(dict(case, profile="bursts"), np.random.default_rng(index))
        run_synthetic(spy, model, case, [torch.tensor(p, dtype=torch.float32) for p in other], stop)
        again, leaked = run_synthetic(spy, model, case, probes)
        record["authors"] = {"computed": again, "decisions": short(leaked)}
    if plan["kind"] == "single frame":
        # Again with their motion regularisation, whose score is 0 / 0 here.
        moving = dict(case, motion=motion_of((4, 26) if plan["steps"] == 30 else (10, 90)))
        again, lost = run_synthetic(spy, record_synthetic(build_model(stdit3, moving), case), case, probes)
        record["authors"] = {"computed": again, "decisions": short(lost)}
    return record


def make_model(stdit3, rf, spy, index):
    """Builds their transformer with random weights in their sampler, whose residuals depend on earlier reuse."""
    motion = motion_of((4, 26)) if index % 2 else None
    frames, tokens, width = 3, 4, 4
    for attempt in range(50):
        torch.manual_seed(1000 * index + attempt)
        case = dict(steps=30, book=BOOKS["fast-30"], motion=motion)
        model = build_model(stdit3, case, depth=2, hidden_size=width)
        for block in model.temporal_blocks:
            nn.init.normal_(block.attn.proj.weight, std=1.0)
        nn.init.normal_(model.final_layer.linear.weight, std=1.0)
        computed, probes = [], []
        block = model.temporal_blocks[1]

        def keep(_module, _inputs, output):
            gate = (block.scale_shift_table[None] + keep.modulation.reshape(2, 6, -1)).chunk(6, dim=1)[2]
            rows = output.reshape(2, tokens, frames, width).transpose(1, 2).reshape(2, frames * tokens, width)
            computed.append(block.fwd_id)
            probes.append((gate * rows).numpy().copy())

        model.t_block.register_forward_hook(lambda _m, _i, output: setattr(keep, "modulation", output))
        block.attn.register_forward_hook(keep)
        encoder = types.SimpleNamespace(
            encode=lambda _prompts: {"y": torch.zeros(1, 1, width), "mask": [1]},
            null=lambda _count: torch.zeros(1, 1, width),
        )
        sizes = dict(num_frames=51, height=480, width=854, fps=24)
        rf.RFLOW(num_sampling_steps=30, cfg_scale=7.0, use_timestep_transform=True).sample(
            model,
            encoder,
            torch.randn(1, 4, frames, 4, 4),
            [""],
            "cpu",
            additional_args={name: torch.tensor([value]) for name, value in sizes.items()},
            progress=False,
        )
        decisions = spy.take()
        # Far above the reference score, the gradient of an eighth power loses its digits in their float32.
        is_exact = all(factor is None or factor < 20 for _, factor, _ in decisions)
        if is_exact and is_clear(decisions, case["book"]) and 8 < len(computed) < 28:
            break
    else:
        raise SystemExit("no model clear of every threshold")
    return {
        "kind": "model",
        "steps": 30,
        "book": "fast-30",
        "motion": motion,
        "frames": frames,
        "tokens": tokens,
        "dtype": "float32",
        "probes": encode(probes, "<f4"),
        "computed": computed,
        "decisions": short(decisions),
    }


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    stdit3, rf = import_authors(Path(sys.argv[1]))
    spy = Spy(stdit3.STDiT3Block)
    cases = []
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        for count, plan in plan_cases():
            cases += [make_synthetic(stdit3, spy, plan, index) for index in range(count)]
        cases += [make_model(stdit3, rf, spy, index) for index in range(6)]

    header = {
        "source": "https://github.com/AdaCache-DiT/AdaCache",
        "commit": COMMIT,
        "command": "python tools/golden/adacache_schedule.py <checkout>",
        "books": {name: list(book.items()) for name, book in BOOKS.items()},
    }
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = json.dumps(header, indent=1)[:-2] + f',\n "cases": [\n{lines}\n]\n}}\n'
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text)

    ties = sum(
        d in BOOKS["sixteenths"] for case in cases if case["kind"] == "tie" for d, _, _ in case["decisions"]
    )
    steps = [len(case["computed"]) for case in cases]
    print(f"{len(cases)} cases, {sum(steps)} computed steps, {ties} exact ties, {len(text)} bytes")


if __name__ == "__main__":
    main()
