"""Writes the golden vectors of Latte and Open-Sora-Plan to test/golden/models: tiny random models and the results
of the references.

    LatteTransformer3DModel, AutoencoderKLTemporalDecoder   diffusers 0.42.1

    pip install torch==2.15.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/models_latte.py --out test/golden/models

Open-Sora-Plan 1.1 computes what LatteTransformer3DModel does, except for the positions of its frames, which are replaced
here: the authors' LatteT2V (github.com/PKU-YuanGroup/Open-Sora-Plan, tag v1.1.0, attention_mode "math") takes the same
weights by the same names and predicts the same within 2e-7. The layout of a folder is that of models.py. Two runs write the same bytes.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLTemporalDecoder, LatteTransformer3DModel
from diffusers.models.embeddings import get_1d_sincos_pos_embed_from_grid

from models import randomise, write

FIXED = dict(
    attention_bias=True, activation_fn="gelu-approximate", num_embeds_ada_norm=1000, norm_type="ada_norm_single",
    norm_elementwise_affine=False,
)  # fmt: skip


def saved_config(model) -> dict:
    return {"_class_name": type(model).__name__} | {k: v for k, v in model.config.items() if not k.startswith("_")}


def run(model: LatteTransformer3DModel, cases: list[dict], generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Runs each half alone, so that their texts may differ in length, as in a batch with a mask."""
    channels, width = model.config.in_channels, model.config.caption_channels
    probed = model.temporal_transformer_blocks[max(0, model.config.num_layers // 2 - 1)]
    seen: dict[str, torch.Tensor] = {}
    model.transformer_blocks[0].register_forward_pre_hook(lambda _m, args: seen.update(trunk_in=args[0]))
    model.norm_out.register_forward_pre_hook(lambda _m, args: seen.update(trunk_out=args[0]))
    # A block's fifth argument is the step's modulation.
    gate = lambda m, args: (m.scale_shift_table + args[4].reshape(-1, 6, m.scale_shift_table.shape[1]))[:, 2:3]
    probed.register_forward_pre_hook(lambda m, args: seen.update(gate=gate(m, args)))
    probed.attn1.register_forward_hook(lambda _m, _args, out: seen.update(attention=out))
    vectors = {}
    for i, case in enumerate(cases):
        frames, height, columns = case["latent"]
        latent = torch.randn(1, channels, frames, height, columns, generator=generator)
        text = torch.randn(2, max(case["textLengths"]), width, generator=generator)
        halves = []
        for half, tokens in enumerate(case["textLengths"]):
            text[half, tokens:] = 0
            with torch.no_grad():
                prediction = model(latent, torch.tensor([case["timestep"]]), text[half : half + 1, :tokens]).sample
            residual = seen["trunk_out"] - seen["trunk_in"]  # [F, H*W, D]
            probe = (seen["gate"] * seen["attention"]).transpose(0, 1)  # [F, H*W, D]
            halves.append((prediction[:, :channels], residual.flatten(0, 1), probe.flatten(0, 1)))
        predictions, residuals, probes = zip(*halves)
        vectors |= {
            f"{i}.latent": latent,
            f"{i}.text": text,
            f"{i}.prediction": torch.cat(predictions),
            f"{i}.residual": torch.stack(residuals),
            f"{i}.probe": torch.stack(probes),
        }
    return vectors


def latte(folder: Path, cases: list[dict], seed: int, **config) -> None:
    model = LatteTransformer3DModel(**FIXED, **config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    write(folder, saved_config(model), model.state_dict(), run(model, cases, generator), cases)


def open_sora_plan(folder: Path, cases: list[dict], seed: int, frame_scale: int, **config) -> None:
    model = LatteTransformer3DModel(**FIXED, **config).eval()
    positions = torch.arange(config["video_length"]).unsqueeze(1) / frame_scale
    table = get_1d_sincos_pos_embed_from_grid(model.temp_pos_embed.shape[2], positions)
    model.temp_pos_embed.copy_(table.float()[None])
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    saved = saved_config(model) | {
        "_class_name": "LatteT2V", "sample_size": [config["sample_size"]] * 2, "patch_size_t": 1, "use_rope": False,
        "interpolation_scale_1d": None, "compress_kv_factor": 1, "model_max_length": 9,
    }  # fmt: skip
    vectors = run(model, cases, generator)
    null_caption = {"caption_projection.y_embedding": torch.zeros(12, config["caption_channels"])}
    write(folder, saved, model.state_dict() | null_caption, vectors, cases)


def temporal_decoder(folder: Path, latents: list[tuple[int, int, int]], seed: int, **config) -> None:
    """Decodes 14 frames at once, as pipelines do. Weights are stored in 16 bits to keep the file small:
    the model has 32 groups and cannot have fewer channels."""
    model = AutoencoderKLTemporalDecoder(**config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    for tensor in model.parameters():
        tensor.data.copy_(tensor.half().float())
    vectors = {}
    for i, (frames, height, width) in enumerate(latents):
        z = torch.randn(frames, model.config.latent_channels, height, width, generator=generator)
        with torch.no_grad():
            runs = [model.decode(run / model.config.scaling_factor, num_frames=len(run)).sample for run in z.split(14)]
        vectors |= {f"{i}.latent": z, f"{i}.frames": torch.cat(runs)}
    weights = {k: v.half() for k, v in model.state_dict().items() if k.startswith("decoder.")}
    write(folder, saved_config(model), weights, vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    case = lambda latent, timestep, text_lengths: {
        "latent": latent, "timestep": timestep, "textLengths": text_lengths,
    }  # fmt: skip
    latte(
        args.out / "latte",
        [case([3, 8, 12], 980, [7, 7]), case([3, 6, 4], 21, [5, 2]), case([1, 8, 12], 440, [1, 6])],
        seed=21, num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2,
        cross_attention_dim=16, sample_size=8, patch_size=2, norm_eps=1e-6, caption_channels=12, video_length=3,
    )  # fmt: skip
    latte(
        args.out / "latte-large-square", [case([2, 3, 6], 713, [4, 3])],
        seed=22, num_attention_heads=2, attention_head_dim=6, in_channels=3, out_channels=3, num_layers=4,
        cross_attention_dim=12, sample_size=129, patch_size=3, norm_eps=1e-4, caption_channels=10, video_length=2,
    )  # fmt: skip
    open_sora_plan(
        args.out / "open-sora-plan",
        [case([33, 4, 2], 894, [9, 9]), case([33, 2, 4], 6, [3, 8])],
        seed=23, frame_scale=2, num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8,
        num_layers=2, cross_attention_dim=16, sample_size=16, patch_size=2, norm_eps=1e-6, caption_channels=12,
        video_length=33,
    )  # fmt: skip
    temporal_decoder(
        args.out / "autoencoder-kl-temporal-decoder", [(16, 2, 3), (1, 3, 2)],
        seed=24, latent_channels=4, block_out_channels=[32], layers_per_block=2, scaling_factor=0.18215,
    )  # fmt: skip


if __name__ == "__main__":
    main()
