"""Writes the golden vectors of what Wan's image-to-video models add to test/golden/models: tiny random models and the
results of the references.

    WanTransformer3DModel, AutoencoderKLWan                diffusers 0.42.1
    CLIPVisionModel, CLIPVisionModelWithProjection         transformers 5.23.0

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/models_wan_pictures.py --out test/golden/models

The layout of a folder is that of models.py. Two runs write the same bytes.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors import safe_open
from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

from models import randomise, write
from models_wan import TEXT_ROWS, saved_config


def transformer(folder: Path, cases: list[dict], seed: int, **config) -> None:
    """Writes predictions of both guidance halves, which are given the same pictures."""
    model = WanTransformer3DModel(**config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    probed = model.blocks[max(0, len(model.blocks) // 2 - 1)]
    seen: dict[str, torch.Tensor] = {}
    model.blocks[0].register_forward_pre_hook(lambda _m, args: seen.update(trunk_in=args[0]))
    model.norm_out.register_forward_pre_hook(lambda _m, args: seen.update(trunk_out=args[0]))
    probed.register_forward_pre_hook(lambda m, args: seen.update(gate=(m.scale_shift_table + args[2])[:, 2:3]))
    probed.attn1.register_forward_hook(lambda _m, _args, out: seen.update(attention=out))
    channels = config["out_channels"]
    vectors = {}
    for i, case in enumerate(cases):
        latent = torch.randn(1, channels, *case["latent"], generator=generator)
        encoded = torch.randn(1, channels, *case["latent"], generator=generator)
        mask = given_mask(case, config["in_channels"] - 2 * channels)
        padded = torch.zeros(2, TEXT_ROWS, config["text_dim"])
        text = torch.randn(2, max(case["textLengths"]), config["text_dim"], generator=generator)
        for half, tokens in enumerate(case["textLengths"]):
            text[half, tokens:] = 0
            padded[half, :tokens] = text[half, :tokens]
        states = None
        if "pictureTokens" in case:
            states = torch.randn(case["pictures"], case["pictureTokens"], config["image_dim"], generator=generator)
            vectors[f"{i}.states"] = states
        whole = torch.cat([latent, mask, encoded], dim=1)
        halves = []
        with torch.no_grad():
            for half in range(2):
                prediction = model(whole, torch.tensor([case["timestep"]]), padded[half : half + 1], states).sample
                halves.append({"prediction": prediction, "residual": seen["trunk_out"] - seen["trunk_in"],
                               "probe": seen["gate"] * seen["attention"]})  # fmt: skip
        vectors |= {f"{i}.latent": latent, f"{i}.encoded": encoded, f"{i}.text": text}
        vectors |= {f"{i}.{name}": torch.cat([half[name] for half in halves]) for name in halves[0]}
    weights = model.state_dict()
    if "image_dim" in config:  # some files have it, and the class ignores it
        weights["blocks.0.attn2.norm_added_q.weight"] = torch.ones(8)
    write(folder, saved_config(model), weights, vectors, cases)


def given_mask(case: dict, rate: int) -> torch.Tensor:
    """Returns the mask that WanImageToVideoPipeline makes: 1 for the frames of the video that are given."""
    frames, height, width = case["latent"]
    given = torch.zeros(1, 1, 1 + rate * (frames - 1), height, width)
    given[:, :, 0] = 1
    if case["pictures"] == 2:
        given[:, :, -1] = 1
    rows = torch.cat([given[:, :, :1].repeat_interleave(rate, dim=2), given[:, :, 1:]], dim=2)
    return rows.view(1, frames, rate, height, width).transpose(1, 2)


def encoder(folder: Path, videos: list[tuple[int, int, int]], seed: int, **config) -> None:
    """Writes the normalised means of `encode`, which processes a video a few frames at a time."""
    model = AutoencoderKLWan(**config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    for name, tensor in model.named_parameters():
        if name.endswith("gamma"):
            tensor.data.copy_(1 + 0.2 * torch.randn(tensor.shape, generator=generator))
    per_channel = lambda values: torch.tensor(values).view(1, -1, 1, 1, 1)
    vectors = {}
    for i, extent in enumerate(videos):
        video = torch.rand(1, 3, *extent, generator=generator) * 2 - 1
        with torch.no_grad():
            mean = model.encode(video).latent_dist.mode()
        latent = (mean - per_channel(model.config.latents_mean)) / per_channel(model.config.latents_std)
        vectors |= {f"{i}.video": video[0].transpose(0, 1), f"{i}.latent": latent}
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(("encoder.", "quant_conv."))}
    write(folder, saved_config(model), weights, vectors)


def clip(folder: Path, kind: type, seed: int, **config) -> None:
    """Writes the states before the last layer, as the pipelines of Wan take them, and the weights as they are saved."""
    settings = CLIPVisionConfig(attn_implementation="eager", attention_dropout=0.0, **config)
    model = kind(settings).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    pixels = torch.randn(2, 3, settings.image_size, settings.image_size, generator=generator)
    with torch.no_grad():
        states = model(pixels, output_hidden_states=True).hidden_states[-2]
    model.save_pretrained(folder)
    with safe_open(folder / "model.safetensors", "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}
    saved = {"architectures": [kind.__name__], "model_type": "clip_vision_model"} | {
        k: getattr(settings, k)
        for k in ("hidden_size", "intermediate_size", "projection_dim", "num_hidden_layers", "num_attention_heads",
                  "num_channels", "image_size", "patch_size", "hidden_act", "layer_norm_eps")
    }  # fmt: skip
    write(folder, saved, weights, {"pixels": pixels, "states": states})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    case = lambda latent, timestep, text_lengths, pictures, **more: {
        "latent": latent, "timestep": timestep, "textLengths": text_lengths, "pictures": pictures, **more,
    }  # fmt: skip
    tiny = dict(attention_head_dim=16, out_channels=4, text_dim=10, freq_dim=16, rope_max_seq_len=32)
    transformer(
        args.out / "wan-pictures",
        [case([1, 4, 6], 999, [7, 1], 1), case([3, 6, 4], 60, [3, 12], 1), case([2, 4, 8], 521, [5, 5], 2)],
        seed=21, num_attention_heads=2, in_channels=12, ffn_dim=40, num_layers=3, **tiny,
    )  # fmt: skip
    transformer(
        args.out / "wan-picture-states",
        [case([3, 4, 6], 812, [6, 2], 1, pictureTokens=5), case([1, 6, 4], 33, [2, 9], 1, pictureTokens=5)],
        seed=22, num_attention_heads=2, in_channels=12, ffn_dim=40, num_layers=2, image_dim=6, added_kv_proj_dim=32,
        **tiny,
    )  # fmt: skip
    transformer(
        args.out / "wan-first-and-last",
        [case([3, 4, 6], 700, [4, 3], 2, pictureTokens=5)],
        seed=23, num_attention_heads=2, in_channels=10, ffn_dim=24, num_layers=2, image_dim=6, added_kv_proj_dim=32,
        pos_embed_seq_len=10, **tiny,
    )  # fmt: skip
    encoder(
        args.out / "autoencoder-kl-wan-encoder", [(1, 24, 40), (5, 16, 24), (9, 16, 16), (17, 16, 24)],
        seed=24, base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
        temperal_downsample=[False, True, True], latents_mean=[-0.7, 0.1, 0.9, -0.2], latents_std=[2.8, 1.4, 0.5, 1.9],
    )  # fmt: skip
    clip(
        args.out / "clip-vision", CLIPVisionModel, seed=26, hidden_size=24, intermediate_size=40, num_hidden_layers=3,
        num_attention_heads=2, image_size=28, patch_size=14, hidden_act="gelu",
    )  # fmt: skip
    clip(
        args.out / "clip-vision-projection", CLIPVisionModelWithProjection, seed=27, hidden_size=16,
        intermediate_size=24, projection_dim=8, num_hidden_layers=2, num_attention_heads=4, image_size=30,
        patch_size=10, hidden_act="quick_gelu",
    )  # fmt: skip


if __name__ == "__main__":
    main()
