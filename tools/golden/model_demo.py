"""Writes test/golden/models/demo: results of the reference implementations with the weights of models/demo.

    python tools/golden/model_demo.py --open-sora Open-Sora --model models/demo --out test/golden/models/demo

Packages and checkout as in models.py, and tokenizers. One prompt is tokenised and encoded; the transformer predicts both
guidance halves for one noise; a whole denoising run reuses the trunk residual on a fixed schedule; two frames of its
latent are decoded. Everything is computed in float32 from the stored weights, as the graphs do.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import model_stdit3_upstream

PROMPT = "a red circle moves fast to the left over blue stripes"
GUIDANCE = 4.0
STEPS = 30
# Computed denoising steps, 0-based: dense at the start and rates from 1 to 5, as an adaptive schedule has them.
COMPUTED = [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 24, 27, 28, 29]


def states_of(folder: Path, ids: list[int]) -> torch.Tensor:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(**json.loads((folder / "config.json").read_text()))
    model = T5EncoderModel(config).eval()
    weights = load_file(folder / "model.safetensors")
    embedding = weights.pop("encoder.embed_tokens.weight", None)
    weights.setdefault("shared.weight", embedding)
    model.load_state_dict(weights | {"encoder.embed_tokens.weight": weights["shared.weight"]})
    return model.float()(input_ids=torch.tensor([ids])).last_hidden_state  # [1, N, D]


class Transformer:
    """The authors' module and the cut: `predict` with a residual skips the blocks and adds it."""

    def __init__(self, folder: Path, checkout: Path, video: dict, text: torch.Tensor):
        STDiT3, STDiT3Config = model_stdit3_upstream.load(checkout)
        config = json.loads((folder / "config.json").read_text())
        self.model = STDiT3(STDiT3Config(**config)).eval()
        left_out = self.model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
        assert set(left_out.missing_keys) <= {"rope.freqs"} and not left_out.unexpected_keys, left_out
        self.model.float()
        tokens = text.shape[1]
        self.text = torch.zeros(2, 1, config["model_max_length"], config["caption_channels"])
        self.text[0, 0, :tokens] = text[0]
        self.text[1, 0, :tokens] = self.model.y_embedder.y_embedding[:tokens].float()
        self.mask = (torch.arange(config["model_max_length"]) < tokens).long().repeat(2, 1)
        self.video, self.channels = video, config["in_channels"]
        self.blocks = (self.model.spatial_blocks, self.model.temporal_blocks)
        self.trunk_in = self.trunk_out = torch.empty(0)

    def predict(self, latent: torch.Tensor, timestep: float, reused: torch.Tensor | None = None) -> torch.Tensor:
        """Predicts both halves [2, C, F, H, W] of [1, C, F, H, W]; a computed step stores its residual in `residual`."""

        def at_head(_module, args):
            if reused is None:
                self.trunk_out = args[0]
                return None
            return (args[0] + reused, *args[1:])

        def at_trunk(_module, args):
            self.trunk_in = args[0]

        none = torch.nn.ModuleList()
        self.model.spatial_blocks, self.model.temporal_blocks = self.blocks if reused is None else (none, none)
        hooks = [self.model.final_layer.register_forward_pre_hook(at_head)]
        if reused is None:
            hooks.append(self.blocks[0][0].register_forward_pre_hook(at_trunk))
        scalar = lambda value: torch.tensor([float(value)] * 2)
        prediction = self.model(
            torch.cat([latent, latent]), scalar(timestep), self.text, mask=self.mask, fps=scalar(self.video["fps"]),
            height=scalar(self.video["height"]), width=scalar(self.video["width"]),
        )  # fmt: skip
        for hook in hooks:
            hook.remove()
        if reused is None:
            self.residual = self.trunk_out - self.trunk_in
        return prediction[:, : self.channels]


def flow(video: dict, latent_frames: int, config: dict) -> tuple[list[float], list[float]]:
    """Returns timesteps and Euler deltas of Open-Sora's rectified flow."""
    ratio = 1.0
    if config["use_timestep_transform"]:
        ratio = (video["height"] * video["width"] / config["base_resolution"]) ** 0.5
        ratio *= (latent_frames / config["base_num_frames"]) ** 0.5 * config["transform_scale"]
    share = [1 - i / STEPS for i in range(STEPS + 1)]
    noise = [ratio * s / (1 + (ratio - 1) * s) for s in share]
    return [1000 * s for s in noise[:-1]], [a - b for a, b in zip(noise, noise[1:])]


def decode(folder: Path, latent: torch.Tensor) -> torch.Tensor:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(folder, torch_dtype=torch.float32).eval()
    return vae.decode(latent / vae.config.scaling_factor + (vae.config.shift_factor or 0.0)).sample


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open-sora", type=Path, required=True, help="checkout of hpcaitech/Open-Sora at v1.2.0")
    parser.add_argument("--model", type=Path, default=Path("models/demo"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/models/demo"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    from diffusers import AutoencoderKL  # before the stand-ins that the transformer's imports need  # noqa: F401
    from tokenizers import Tokenizer

    ids = Tokenizer.from_file(str(args.model / "tokenizer" / "tokenizer.json")).encode(PROMPT).ids
    states = states_of(args.model / "text_encoder", ids)
    made = json.loads((args.model / "model_index.json").read_text())["video"]
    (width, height), frames = made["sizes"][0], made["frames"][0]
    video = {"height": height, "width": width, "fps": made["fps"][0]}
    vae = json.loads((args.model / "vae" / "config.json").read_text())
    scale = 2 ** (len(vae["block_out_channels"]) - 1)
    shape = [frames, height // scale, width // scale]
    noise = torch.randn(1, vae["latent_channels"], *shape, generator=torch.Generator().manual_seed(0))
    scheduler = json.loads((args.model / "scheduler" / "scheduler_config.json").read_text())
    timesteps, deltas = flow(video, shape[0], scheduler)

    transformer = Transformer(args.model / "transformer", args.open_sora, video, states)
    first = transformer.predict(noise, timesteps[0])
    latent = noise
    for i, (timestep, delta) in enumerate(zip(timesteps, deltas)):
        reused = None if i in COMPUTED else transformer.residual
        conditional, unconditional = transformer.predict(latent, timestep, reused).chunk(2)
        latent = latent + (unconditional + GUIDANCE * (conditional - unconditional)) * delta
    decoded = latent[0].transpose(0, 1)[[0, -1]]  # first and last frame [2, C, H, W]
    vectors = {
        "states": states[0], "noise": noise, "prediction": first, "latent": latent,
        "frames": decode(args.model / "vae", decoded),
    }  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in vectors.items()}, args.out / "vectors.safetensors")
    case = {"prompt": PROMPT, "ids": ids, "guidance": GUIDANCE, "computed": COMPUTED, "timesteps": timesteps,
            "deltas": deltas, "latent": shape, **video}  # fmt: skip
    (args.out / "cases.json").write_text(json.dumps([case]) + "\n")


if __name__ == "__main__":
    main()
