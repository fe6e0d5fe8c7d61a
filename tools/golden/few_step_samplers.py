"""Writes test/golden/sampling/few-steps.json: trajectories of the samplers of distilled models.

    FlowMatchEulerDiscreteScheduler   diffusers 0.42.1, with `set_timesteps(sigmas=...)`
    DMD                               the formula of FastVideo 0.2.1 and SGLang 0.5.23, over the schedule of diffusers:
                                      x0 = x - sigma * v, then (1 - sigma') * x0 + sigma' * fresh noise, where the
                                      sigmas are those of the training timesteps next to 1000, 757 and 522

    pip install torch==2.15.0 diffusers==0.42.1 numpy==2.4.6
    python tools/golden/few_step_samplers.py

The "model" returns recorded random predictions. The noise is that of lib/generation/sampling/noise.ts. Two runs write
the same bytes.
"""

import json
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from flow_samplers import SHAPE, encode
from pipeline_latte import noise

TARGET = Path(__file__).parents[2] / "test/golden/sampling/few-steps.json"
EULER = [(5.0, [1, 0.75, 0.5, 0.25]), (1.0, [1, 0.9, 0.3]), (3.0, [1])]
DMD_SHIFT, DMD_TIMESTEPS = 8.0, [1000, 757, 522]
SEED = 11


def recorded(class_name: str, config: dict, timesteps: list, predictions, latents) -> dict:
    return {
        "className": class_name, "config": config, "timesteps": timesteps, "seed": SEED,
        "predictions": encode(predictions), "latents": encode(torch.stack(latents)),
    }  # fmt: skip


def euler(shift: float, sigmas: list[float]) -> dict:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=sigmas)
    scheduler.set_begin_index(0)
    predictions = torch.randn(len(sigmas), *SHAPE)
    latents = [torch.randn(SHAPE)]
    for prediction, timestep in zip(predictions, scheduler.timesteps):
        latents.append(scheduler.step(prediction, timestep, latents[-1]).prev_sample)
    config = {"shift": shift, "sigmas": sigmas}
    return recorded("FlowMatchEulerDiscreteScheduler", config, scheduler.timesteps.tolist(), predictions, latents)


def dmd_step(latent: torch.Tensor, prediction: torch.Tensor, step: int, seed: int) -> torch.Tensor:
    """Returns the latent after a step."""
    training = FlowMatchEulerDiscreteScheduler(shift=DMD_SHIFT)
    sigma_at = lambda timestep: training.sigmas[(training.timesteps - timestep).abs().argmin()].double()
    clean = (latent.double() - sigma_at(DMD_TIMESTEPS[step]) * prediction.double()).float()
    if step == len(DMD_TIMESTEPS) - 1:
        return clean
    sigma = sigma_at(DMD_TIMESTEPS[step + 1]).float()
    return (1 - sigma) * clean + sigma * noise(seed, tuple(latent.shape), step + 1)


def dmd() -> dict:
    predictions = torch.randn(len(DMD_TIMESTEPS), *SHAPE)
    latents = [torch.randn(SHAPE)]
    for step, prediction in enumerate(predictions):
        latents.append(dmd_step(latents[-1], prediction, step, SEED))
    return recorded("DMDScheduler", {}, DMD_TIMESTEPS, predictions, latents)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    header = {"source": __doc__.splitlines()[0], "command": "python tools/golden/few_step_samplers.py"}
    samplers = [*(euler(shift, sigmas) for shift, sigmas in EULER), dmd()]
    TARGET.write_text(json.dumps({**header, "samplers": samplers}) + "\n")
    print(f"{len(samplers)} samplers, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
