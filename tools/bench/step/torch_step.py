"""Times the denoising step of tools/demo-model/stdit3.py in eager PyTorch, on request.

    python tools/bench/step/torch_step.py --model models/demo --threads 2

Started by `npm run bench -- step`, which lets it take turns with our graphs. Prints one line of JSON when ready. Then it
reads numbers of steps from stdin, one per line, and prints one line of JSON for each. A step equals a computed step of
the pipeline: both guidance halves in a batch of 2 through the whole transformer, then guidance. It runs in float32.

Two forms of attention are timed: written out in stdit3.py, and PyTorch's fused scaled_dot_product_attention.
"""

import argparse
import json
import sys
import time
from pathlib import Path

try:
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file
except ImportError as error:
    sys.exit(str(error))

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo-model"))
import stdit3  # noqa: E402

TOKENS = 12  # tokens of the prompt; the others are masked and take as much time
WARM_UP = 3


def fused_attend(q, k, v, mask=None):
    keys = None if mask is None else mask[:, None, None, :]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=keys)


ATTENTION = {"written": stdit3.attend, "fused": fused_attend}


def load(folder: Path) -> stdit3.STDiT3:
    part = folder / "transformer"
    model = stdit3.STDiT3(json.loads((part / "config.json").read_text()))
    model.load_state_dict(load_file(part / "model.safetensors"))
    return model.float().eval()


def make_step(folder: Path):
    """Returns a function that computes one guided step at the model's video size."""
    model = load(folder)
    video = json.loads((folder / "model_index.json").read_text())["video"]
    (width, height), frames, fps = video["sizes"][0], video["frames"][0], video["fps"][0]
    vae = json.loads((folder / "vae" / "config.json").read_text())
    scale = 2 ** (len(vae["block_out_channels"]) - 1)
    config = model.config
    torch.manual_seed(0)
    latent = torch.randn(1, config["in_channels"], frames, height // scale, width // scale)
    # The model's learnt text: on random text its attention saturates, and rounding decides between keys.
    text = model.y_embedder.y_embedding.detach().expand(2, -1, -1)
    mask = (torch.arange(config["model_max_length"]) < TOKENS).repeat(2, 1)
    fps, timestep = torch.full((2,), float(fps)), torch.full((2,), 500.0)

    def step() -> torch.Tensor:
        both = model(torch.cat([latent, latent]), timestep, fps, text, mask, (height, width))
        conditional, unconditional = both.chunk(2)
        return unconditional + video["guidance_scale"] * (conditional - unconditional)

    return step


def milliseconds(step, count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    step = make_step(options.model)
    with torch.inference_mode():
        results = []
        for attend in ATTENTION.values():
            stdit3.attend = attend
            milliseconds(step, WARM_UP)
            results.append(step())
        difference = (results[0] - results[1]).abs().max().item()
        assert difference <= 1e-3 * results[0].abs().max().item(), f"the two forms of attention differ by {difference}"
        print(json.dumps({"version": torch.__version__.split("+")[0]}), flush=True)
        for line in sys.stdin:
            times = {}
            for name, attend in ATTENTION.items():
                stdit3.attend = attend
                times[name] = milliseconds(step, int(line))
            print(json.dumps(times), flush=True)


main()
