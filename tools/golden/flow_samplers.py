"""Writes test/golden/sampling/flow-samplers.json: timesteps and trajectories of diffusers' samplers for flow models.

    pip install torch==2.15.0 diffusers==0.42.1 numpy==2.4.6
    python tools/golden/flow_samplers.py

The "model" returns recorded random predictions. Two runs write the same bytes.
"""

import base64
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler
from diffusers.pipelines.ltx.pipeline_ltx import calculate_shift

TARGET = Path(__file__).parents[2] / "test/golden/sampling/flow-samplers.json"

SAMPLERS = [
    (UniPCMultistepScheduler, {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": shift})
    for shift in (1.0, 3.0, 5.0, 12.0)
] + [(FlowMatchEulerDiscreteScheduler, {"shift": shift}) for shift in (1.0, 3.0, 5.0)]

LTX = {
    "use_dynamic_shifting": True, "base_shift": 0.95, "max_shift": 2.05, "base_image_seq_len": 1024,
    "max_image_seq_len": 4096, "shift_terminal": 0.1,
}  # fmt: skip
# Pipelines such as LTXPipeline space the noise levels themselves, evenly from 1 to 1 / steps. One step cannot be stretched
# to a terminal level: the reference gives numbers that are not finite.
TOKENS_SAMPLERS = [
    (LTX, 1540, True),
    (LTX, 7392, True),
    (LTX, 2310, False),
    ({"use_dynamic_shifting": True}, 256, False),
    ({"use_dynamic_shifting": True, "time_shift_type": "linear", "max_shift": 3.0}, 3000, True),
    ({"shift": 3.0, "shift_terminal": 0.2}, 64, False),
]
TABLES = [1, 2, 3, 4, 5, 8, 10, 15, 20, 25, 30, 40, 50, 100]
TRAJECTORIES = [1, 2, 3, 4, 5, 10, 20, 50]
SHAPE = (1, 2, 1, 2, 3)


def encode(tensor: torch.Tensor) -> str:
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


def set_timesteps(scheduler, steps: int, tokens: int | None = None, is_even: bool = False) -> None:
    """Sets the timesteps as LTXPipeline does, with noise levels in even distances or the scheduler's own."""
    if tokens is None:
        scheduler.set_timesteps(steps)
        return
    config = scheduler.config
    mu = calculate_shift(
        tokens, config.base_image_seq_len, config.max_image_seq_len, config.base_shift, config.max_shift
    )
    sigmas = {"sigmas": np.linspace(1.0, 1 / steps, steps)} if is_even else {}
    scheduler.set_timesteps(steps, mu=mu, **sigmas)


def trajectory(scheduler, steps: int, *spacing) -> dict:
    """Returns the latent after every step."""
    set_timesteps(scheduler, steps, *spacing)
    scheduler.set_begin_index(0)
    latent = torch.randn(SHAPE)
    predictions = torch.randn(steps, *SHAPE)
    latents = [latent]
    for prediction, timestep in zip(predictions, scheduler.timesteps):
        latents.append(scheduler.step(prediction, timestep, latents[-1]).prev_sample)
    return {"steps": steps, "predictions": encode(predictions), "latents": encode(torch.stack(latents))}


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    samplers = []
    runs = [(*sampler, None, None) for sampler in SAMPLERS]
    runs += [(FlowMatchEulerDiscreteScheduler, *sampler) for sampler in TOKENS_SAMPLERS]
    for scheduler_class, config, tokens, is_even in runs:
        scheduler = scheduler_class(**config)
        spacing = () if tokens is None else (tokens, is_even)
        least = 2 if scheduler.config.get("shift_terminal") else 1
        tables = []
        for steps in (steps for steps in TABLES if steps >= least):
            set_timesteps(scheduler, steps, *spacing)
            tables.append({"steps": steps, "timesteps": scheduler.timesteps.tolist()})
        saved = {key: value for key, value in scheduler.config.items() if not key.startswith("_")}
        samplers.append(
            {
                "className": scheduler_class.__name__,
                "config": saved,
                **({"tokens": tokens, "isEven": is_even} if tokens else {}),
                "tables": tables,
                "trajectories": [
                    trajectory(scheduler, steps, *spacing) for steps in TRAJECTORIES if steps >= least
                ],
            }
        )
    header = {"source": "diffusers 0.42.1", "command": "python tools/golden/flow_samplers.py"}
    TARGET.write_text(json.dumps({**header, "samplers": samplers}) + "\n")
    print(f"{len(samplers)} samplers, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
