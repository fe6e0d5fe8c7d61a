"""Writes test/golden/sampling/diffusion.json: timesteps and trajectories of DDIM and PNDM as diffusers 0.42.1 computes them.

    pip install torch==2.15.0 diffusers==0.42.1 numpy==2.4.6
    python tools/golden/diffusion_samplers.py

Each scheduler runs unchanged, in float32, on recorded random predictions used in turn, from a recorded random latent.
Two runs write the same bytes.
"""

import base64
import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, PNDMScheduler

TARGET = Path(__file__).parents[2] / "test/golden/sampling/diffusion.json"
PREDICTIONS = 5

SCALED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
FREE = {"clip_sample": False}
DDIM = [
    (FREE, (50, 1, 3, 7, 100, 1000)),
    ({"set_alpha_to_one": False, "steps_offset": 1, **FREE}, (50, 30)),
    ({"timestep_spacing": "trailing", **FREE}, (50, 16, 7)),
    ({"timestep_spacing": "trailing", "set_alpha_to_one": False, **SCALED, **FREE}, (10,)),
    ({"num_train_timesteps": 400, "steps_offset": 3, **SCALED, **FREE}, (13,)),
    ({}, (50, 2)),
    ({"clip_sample_range": 2.5, "timestep_spacing": "trailing", "set_alpha_to_one": False}, (16,)),
]
PNDM = [
    ({}, (150, 4, 7, 50)),
    ({"set_alpha_to_one": True, "steps_offset": 1, **SCALED}, (11,)),
    ({"timestep_spacing": "trailing"}, (16,)),
    ({"skip_prk_steps": True}, (50, 1, 2, 3)),
    ({"skip_prk_steps": True, "steps_offset": 1, **SCALED}, (20,)),
    ({"skip_prk_steps": True, "timestep_spacing": "trailing", "set_alpha_to_one": True}, (16,)),
]


def encode(tensor: torch.Tensor) -> str:
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


def trajectory(scheduler, steps: int, latent: torch.Tensor, predictions: list[torch.Tensor]) -> dict:
    scheduler.set_timesteps(steps)
    for evaluation, timestep in enumerate(scheduler.timesteps):
        latent = scheduler.step(predictions[evaluation % PREDICTIONS], timestep, latent).prev_sample
    return {"steps": steps, "timesteps": scheduler.timesteps.tolist(), "final": encode(latent)}


def main() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    latent, *predictions = [torch.randn(24, generator=generator) for _ in range(1 + PREDICTIONS)]
    runs = []
    for scheduler, configs in ((DDIMScheduler, DDIM), (PNDMScheduler, PNDM)):
        for config, all_steps in configs:
            for steps in all_steps:
                run = trajectory(scheduler(**config), steps, latent, predictions)
                runs.append({"className": scheduler.__name__, "config": config, **run})
    header = {"source": "diffusers 0.42.1", "command": "python tools/golden/diffusion_samplers.py"}
    vectors = {"latent": encode(latent), "predictions": [encode(prediction) for prediction in predictions]}
    TARGET.write_text(json.dumps({**header, **vectors, "runs": runs}) + "\n")
    print(f"{len(runs)} runs, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
