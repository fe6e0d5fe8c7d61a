"""Writes test/golden/sampling/flow-samplers.json: timesteps and trajectories of diffusers' samplers for flow models.

    pip install torch==2.15.0 diffusers==0.42.1 numpy==2.4.6
    python tools/golden/flow_samplers.py

The "model" returns recorded random predictions. Two runs write the same bytes.
"""

import base64
import json
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

TARGET = Path(__file__).parents[2] / "test/golden/sampling/flow-samplers.json"

SAMPLERS = [
    (UniPCMultistepScheduler, {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": shift})
    for shift in (1.0, 3.0, 5.0, 12.0)
] + [(FlowMatchEulerDiscreteScheduler, {"shift": shift}) for shift in (1.0, 3.0, 5.0)]

TABLES = [1, 2, 3, 4, 5, 8, 10, 15, 20, 25, 30, 40, 50, 100]
TRAJECTORIES = [1, 2, 3, 4, 5, 10, 20, 50]
SHAPE = (1, 2, 1, 2, 3)


def encode(tensor: torch.Tensor) -> str:
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


def trajectory(scheduler, steps: int) -> dict:
    """Returns the latent after every step."""
    scheduler.set_timesteps(steps)
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
    for scheduler_class, config in SAMPLERS:
        scheduler = scheduler_class(**config)
        tables = []
        for steps in TABLES:
            scheduler.set_timesteps(steps)
            tables.append({"steps": steps, "timesteps": scheduler.timesteps.tolist()})
        saved = {key: value for key, value in scheduler.config.items() if not key.startswith("_")}
        samplers.append(
            {
                "className": scheduler_class.__name__,
                "config": saved,
                "tables": tables,
                "trajectories": [trajectory(scheduler, steps) for steps in TRAJECTORIES],
            }
        )
    header = {"source": "diffusers 0.42.1", "command": "python tools/golden/flow_samplers.py"}
    TARGET.write_text(json.dumps({**header, "samplers": samplers}) + "\n")
    print(f"{len(samplers)} samplers, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
