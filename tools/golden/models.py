"""Writes test/golden/models: tiny random models and the results of their reference implementations.

    STDiT3           the authors' module, github.com/hpcaitech/Open-Sora tag v1.2.0 (17cce90), Apache-2.0
    T5EncoderModel   transformers 5.23.0
    AutoencoderKL    diffusers 0.42.1

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0 einops==0.8.2 \
                timm==1.0.31 rotary-embedding-torch==0.5.3 beartype
    git clone --branch v1.2.0 https://github.com/hpcaitech/Open-Sora.git
    python tools/golden/models.py --open-sora Open-Sora --out test/golden/models

Every parameter is random, also those usually initialised with zeros or ones, so that no term goes untested. Each model
is one folder: config.json and model.safetensors as a checkpoint has them, vectors.safetensors with inputs and outputs, cases.json
with the numbers that are not tensors. Two runs write the same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

import model_stdit3_upstream


def randomise(module: torch.nn.Module, generator: torch.Generator, keep: tuple[str, ...] = ()) -> None:
    """Randomises parameters: matrices give outputs of about unit size, factors stay near one, all others near zero."""
    scales = [name for name, _ in module.named_parameters() if "norm" in name and name.endswith("weight")]
    tensors = [*module.named_parameters(), *[b for b in module.named_buffers() if b[0].endswith("y_embedding")]]
    for name, tensor in tensors:
        if name in keep:
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name in scales:
            noise = 1 + 0.2 * noise
        elif tensor.ndim >= 2 and "table" not in name and "embedding" not in name:
            noise = noise / (tensor[0].numel() ** 0.5)
        else:
            noise = 0.3 * noise
        tensor.data.copy_(noise)


def write(folder: Path, config: dict, weights: dict, vectors: dict, cases: list[dict] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if cases:
        (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    contiguous = lambda tensors: {name: t.detach().contiguous().clone() for name, t in tensors.items()}
    save_file(contiguous(weights), folder / "model.safetensors")
    save_file(contiguous(vectors), folder / "vectors.safetensors")


def stdit3(folder: Path, checkout: Path, config: dict, cases: list[dict], seed: int) -> None:
    STDiT3, STDiT3Config = model_stdit3_upstream.load(checkout)
    model = STDiT3(STDiT3Config(**config)).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator, keep=("rope.freqs",))
    text_length, caption_channels = config["model_max_length"], config["caption_channels"]
    probe_block = max(0, config["depth"] // 2 - 1)
    seen: dict[str, torch.Tensor] = {}
    gated: list[torch.Tensor] = []
    model.spatial_blocks[0].register_forward_pre_hook(lambda _m, args: seen.update(trunk_in=args[0]))
    model.final_layer.register_forward_pre_hook(lambda _m, args: seen.update(trunk_out=args[0]))
    model.temporal_blocks[probe_block].drop_path.register_forward_hook(lambda _m, _args, out: gated.append(out))
    vectors = {}
    for i, case in enumerate(cases):
        gated.clear()
        latent = torch.randn(1, config["in_channels"], *case["latent"], generator=generator)
        text = torch.randn(2, text_length, caption_channels, generator=generator)
        mask = torch.stack([torch.arange(text_length) < n for n in case["textLengths"]]).long()
        scalar = lambda value: torch.tensor([float(value)] * 2)
        with torch.no_grad():
            prediction = model(
                torch.cat([latent, latent]),
                scalar(case["timestep"]),
                text[:, None],
                mask=mask,
                fps=scalar(case["fps"]),
                height=scalar(case["height"]),
                width=scalar(case["width"]),
                **given_frames(case),
            )
        vectors |= {
            f"{i}.latent": latent,
            f"{i}.text": text,
            f"{i}.prediction": prediction[:, : config["in_channels"]],
            f"{i}.residual": seen["trunk_out"] - seen["trunk_in"],
            f"{i}.probe": gated[0],
        }
    saved = {"architectures": ["STDiT3"], "model_type": "STDiT3", **config}
    write(folder, saved, model.state_dict(), vectors, cases)


def given_frames(case: dict) -> dict:
    """Returns the authors' mask of frames to generate; without a mask all are generated."""
    if "givenFrames" not in case:
        return {}
    return {"x_mask": torch.arange(case["latent"][0]).ge(case["givenFrames"]).expand(2, -1)}


def t5(folder: Path) -> None:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=48, d_model=16, d_kv=6, num_heads=3, d_ff=28, num_layers=2, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False, dropout_rate=0.0, attn_implementation="eager",
    )
    model = T5EncoderModel(config).eval()
    generator = torch.Generator().manual_seed(5)
    randomise(model, generator)
    length, valid = 150, [150, 11]
    ids = torch.randint(2, 48, (2, length), generator=generator)
    mask = torch.stack([torch.arange(length) < n for n in valid]).long()
    ids = torch.where(mask == 1, ids, 0)
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = {k: v for k, v in model.state_dict().items() if k != "encoder.embed_tokens.weight"}
    saved = {"architectures": ["T5EncoderModel"], "model_type": "t5"} | {
        k: getattr(config, k)
        for k in ("vocab_size", "d_model", "d_kv", "num_heads", "d_ff", "num_layers", "feed_forward_proj",
                  "layer_norm_epsilon", "relative_attention_num_buckets", "relative_attention_max_distance")
    }
    write(folder, saved, weights, {"ids": ids.float(), "states": states}, [{"length": length, "valid": valid}])


def autoencoder_kl(folder: Path, latent: tuple[int, ...], seed: int, **config) -> None:
    from diffusers import AutoencoderKL

    levels = len(config["block_out_channels"])
    model = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * levels, up_block_types=["UpDecoderBlock2D"] * levels, **config
    ).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    z = torch.randn(*latent, generator=generator)
    scaled = z / model.config.scaling_factor + (model.config.shift_factor or 0.0)
    with torch.no_grad():
        frames = model.decode(scaled).sample
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(("decoder.", "post_quant_conv."))}
    saved = {"_class_name": "AutoencoderKL"} | {k: v for k, v in model.config.items() if not k.startswith("_")}
    write(folder, saved, weights, {"latent": z, "frames": frames})
    picture = torch.rand(1, 3, 16, 24, generator=generator) * 2 - 1
    with torch.no_grad():
        mean = model.encode(picture).latent_dist.mode()
    encoded = (mean - (model.config.shift_factor or 0.0)) * model.config.scaling_factor
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(("encoder.", "quant_conv."))}
    write(folder.with_name(f"{folder.name}-encoder"), saved, weights, {"picture": picture, "latent": encoded[:, :, None]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open-sora", type=Path, required=True, help="checkout of hpcaitech/Open-Sora at v1.2.0")
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    case = lambda latent, timestep, text_lengths, height, width, fps=24: {
        "latent": latent, "timestep": timestep, "textLengths": text_lengths, "height": height, "width": width, "fps": fps,
    }
    t5(args.out / "t5")
    autoencoder_kl(
        args.out / "autoencoder-kl", (2, 4, 3, 5), seed=6, latent_channels=4, block_out_channels=[8, 12, 16],
        layers_per_block=1, norm_num_groups=4, scaling_factor=0.18215, sample_size=16,
    )  # fmt: skip
    autoencoder_kl(
        args.out / "autoencoder-kl-shifted", (1, 2, 2, 3), seed=7, latent_channels=2, block_out_channels=[4, 4, 8, 8],
        layers_per_block=2, norm_num_groups=4, scaling_factor=0.3611, shift_factor=0.1159, use_post_quant_conv=False,
        use_quant_conv=False, sample_size=16,
    )  # fmt: skip
    # Imported last, because the stand-ins for its imports would confuse the other libraries.
    stdit3(
        args.out / "stdit3", args.open_sora,
        dict(hidden_size=24, depth=2, num_heads=3, mlp_ratio=4.0, patch_size=[1, 2, 2], in_channels=4, pred_sigma=True,
             caption_channels=20, model_max_length=9, qk_norm=True, input_sq_size=512),
        [case([3, 6, 10], 987.5, [9, 4], 48, 80), case([3, 6, 10], 41.25, [2, 7], 48, 80, fps=8),
         case([2, 5, 7], 512, [5, 6], 43, 59)],
        seed=1,
    )  # fmt: skip
    stdit3(
        args.out / "stdit3-temporal-patch", args.open_sora,
        dict(hidden_size=32, depth=2, num_heads=2, mlp_ratio=2.0, patch_size=[2, 2, 2], in_channels=4, pred_sigma=False,
             caption_channels=12, model_max_length=6, qk_norm=True, input_sq_size=64),
        [case([4, 6, 4], 1000, [6, 1], 48, 32), case([5, 3, 6], 250, [3, 3], 24, 48)],
        seed=2,
    )  # fmt: skip
    stdit3(
        args.out / "stdit3-no-qk-norm", args.open_sora,
        dict(hidden_size=16, depth=1, num_heads=2, mlp_ratio=2.0, patch_size=[1, 2, 2], in_channels=3, pred_sigma=True,
             caption_channels=8, model_max_length=4, qk_norm=False, input_sq_size=512),
        [case([1, 4, 6], 700, [4, 2], 256, 256)],
        seed=3,
    )  # fmt: skip
    stdit3(
        args.out / "stdit3-given-frames", args.open_sora,
        dict(hidden_size=24, depth=2, num_heads=3, mlp_ratio=4.0, patch_size=[1, 2, 2], in_channels=4, pred_sigma=True,
             caption_channels=20, model_max_length=9, qk_norm=True, input_sq_size=512),
        [case([3, 6, 10], 987.5, [9, 4], 48, 80) | {"givenFrames": 1},
         case([4, 5, 7], 41.25, [2, 7], 43, 59, fps=8) | {"givenFrames": 2}],
        seed=4,
    )  # fmt: skip


if __name__ == "__main__":
    main()
