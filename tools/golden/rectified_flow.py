"""Writes test/golden/sampling/rectified-flow.json: timesteps and Euler trajectories of Open-Sora's own sampler.

    git clone https://github.com/AdaCache-DiT/AdaCache adacache
    git -C adacache checkout 2c6d3ca0320afd1f3ac41ac52673c79c8f6e00a4
    pip install torch==2.15.0 numpy==2.4.6 einops==0.8.2 timm==1.0.31 transformers==5.23.0 tqdm==4.70.1
    python tools/golden/rectified_flow.py adacache

The checkout is Open-Sora 1.2 plus caching; `RFLOW.sample` and `timestep_transform` run as they are, in float32, around a
"model" that records the timestep it is given and returns recorded random velocities for both guidance halves.
"""

import base64
import json
import sys
import types
from pathlib import Path

import torch
from adacache_schedule import COMMIT, import_authors

TARGET = Path(__file__).parents[2] / "test/golden/sampling/rectified-flow.json"

# num_frames is the video's; the latent has num_frames // 17 * 5 of them, or 1.
SIZES = [
    (480, 854, 51),
    (720, 1280, 51),
    (720, 1280, 102),
    (256, 256, 17),
    (512, 512, 1),
    (64, 64, 1),
    (144, 256, 408),
]


def sample(rf, steps, size, transform, latent, velocities, guidance, mask=None):
    """Returns the timesteps and latents given to the model, and the final latent; a mask is 0 for given frames."""
    timesteps = []
    latents = []

    def model(z, t, **_arguments):
        timesteps.append(t[0].item())
        latents.append(z[:1])
        velocity = velocities[(len(timesteps) - 1) % len(velocities)]
        return torch.cat([velocity, torch.zeros_like(velocity)], dim=1)  # the second half is the unused sigma

    encoder = types.SimpleNamespace(encode=lambda _p: {"y": torch.zeros(1, 1)}, null=lambda _n: torch.zeros(1, 1))
    height, width, frames = size
    arguments = {"height": height, "width": width, "num_frames": frames}
    sampler = rf.RFLOW(num_sampling_steps=steps, cfg_scale=guidance, use_timestep_transform=transform)
    final = sampler.sample(
        model,
        encoder,
        latent,
        [""],
        "cpu",
        additional_args={name: torch.tensor([value]) for name, value in arguments.items()},
        progress=False,
        mask=mask,
    )
    return timesteps, latents, final


def encode(tensor):
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    _, rf = import_authors(Path(sys.argv[1]))

    tables = []
    for size in SIZES:
        for steps in (1, 2, 3, 30, 100):
            for transform in (True, False) if steps == 30 else (True,):
                zero = torch.zeros(1, 1, 1, 1, 1)
                ones = torch.ones(2, 1, 1, 1, 1)
                # With a velocity of ones, the result is the sum of the deltas.
                timesteps, _, total = sample(rf, steps, size, transform, zero, [ones], 1.0)
                tables.append(
                    {
                        "height": size[0],
                        "width": size[1],
                        "latentFrames": 1 if size[2] == 1 else size[2] // 17 * 5,
                        "transform": transform,
                        "timesteps": timesteps,
                        "sumOfDeltas": total.item(),
                    }
                )

    trajectories = []
    for size, guidance in [(SIZES[0], 7.0), (SIZES[3], 1.0), (SIZES[4], 4.5)]:
        latent = torch.randn(1, 4, 2, 3, 2)
        velocities = [torch.randn(2, 4, 2, 3, 2) for _ in range(3)]
        _, _, final = sample(rf, 3, size, True, latent, velocities, guidance)
        trajectories.append(
            {
                "height": size[0],
                "width": size[1],
                "latentFrames": 1 if size[2] == 1 else size[2] // 17 * 5,
                "guidance": guidance,
                "latent": encode(latent),
                "velocities": [encode(velocity) for velocity in velocities],
                "final": encode(final),
            }
        )

    given_frames = []
    for size, given in [(SIZES[0], 1), (SIZES[2], 2)]:
        latent = torch.randn(1, 4, 3, 3, 2)
        velocities = [torch.randn(2, 4, 3, 3, 2) for _ in range(3)]
        mask = torch.tensor([[0.0] * given + [1.0] * (3 - given)])
        _, latents, final = sample(rf, 3, size, True, latent, velocities, 7.0, mask)
        given_frames.append(
            {
                "height": size[0],
                "width": size[1],
                "latentFrames": size[2] // 17 * 5,
                "given": given,
                "guidance": 7.0,
                "velocities": [encode(velocity) for velocity in velocities],
                "latents": [encode(z) for z in [*latents, final]],
            }
        )

    header = {
        "source": "https://github.com/AdaCache-DiT/AdaCache (Open-Sora 1.2)",
        "commit": COMMIT,
        "command": "python tools/golden/rectified_flow.py <checkout>",
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    cases = {"tables": tables, "trajectories": trajectories, "givenFrames": given_frames}
    TARGET.write_text(json.dumps({**header, **cases}) + "\n")
    print(f"{len(tables)} tables, {len(trajectories)} trajectories, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
