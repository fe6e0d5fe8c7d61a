"""Writes the golden vectors of Wan to test/golden/models: tiny random models and the results of the references.

    WanTransformer3DModel, AutoencoderKLWan   diffusers 0.42.1
    UMT5EncoderModel                          transformers 5.23.0

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/models_wan.py --out test/golden/models

The layout of a folder is that of models.py. Two runs write the same bytes.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

from models import randomise, write

TEXT_ROWS = 512


def saved_config(model) -> dict:
    return {"_class_name": type(model).__name__} | {k: v for k, v in model.config.items() if not k.startswith("_")}


def transformer(folder: Path, cases: list[dict], seed: int, **config) -> None:
    model = WanTransformer3DModel(**config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    probed = model.blocks[max(0, len(model.blocks) // 2 - 1)]
    seen: dict[str, torch.Tensor] = {}
    model.blocks[0].register_forward_pre_hook(lambda _m, args: seen.update(trunk_in=args[0]))
    model.norm_out.register_forward_pre_hook(lambda _m, args: seen.update(trunk_out=args[0]))
    probed.register_forward_pre_hook(lambda m, args: seen.update(gate=(m.scale_shift_table + args[2])[:, 2:3]))
    probed.attn1.register_forward_hook(lambda _m, _args, out: seen.update(attention=out))
    vectors = {}
    for i, case in enumerate(cases):
        latent = torch.randn(1, config["in_channels"], *case["latent"], generator=generator)
        text = torch.randn(2, max(case["textLengths"]), config["text_dim"], generator=generator)
        padded = torch.zeros(2, TEXT_ROWS, config["text_dim"])
        for half, tokens in enumerate(case["textLengths"]):
            text[half, tokens:] = 0
            padded[half, :tokens] = text[half, :tokens]
        with torch.no_grad():
            prediction = model(torch.cat([latent, latent]), torch.tensor([case["timestep"]] * 2), padded).sample
        vectors |= {
            f"{i}.latent": latent,
            f"{i}.text": text,
            f"{i}.prediction": prediction,
            f"{i}.residual": seen["trunk_out"] - seen["trunk_in"],
            f"{i}.probe": seen["gate"] * seen["attention"],
        }
    write(folder, saved_config(model), model.state_dict(), vectors, cases)


def umt5(folder: Path) -> None:
    config = UMT5Config(
        vocab_size=48, d_model=16, d_kv=6, num_heads=3, d_ff=28, num_layers=2, feed_forward_proj="gated-gelu",
        dropout_rate=0.0, attn_implementation="eager",
    )
    model = UMT5EncoderModel(config).eval()
    generator = torch.Generator().manual_seed(15)
    randomise(model, generator)
    length, valid = 150, [150, 11]
    ids = torch.randint(2, 48, (2, length), generator=generator)
    mask = torch.stack([torch.arange(length) < n for n in valid]).long()
    ids = torch.where(mask == 1, ids, 0)
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = {k: v for k, v in model.state_dict().items() if k != "encoder.embed_tokens.weight"}
    saved = {"architectures": ["UMT5EncoderModel"], "model_type": "umt5"} | {
        k: getattr(config, k)
        for k in ("vocab_size", "d_model", "d_kv", "num_heads", "d_ff", "num_layers", "feed_forward_proj",
                  "layer_norm_epsilon", "relative_attention_num_buckets", "relative_attention_max_distance")
    }
    write(folder, saved, weights, {"ids": ids.float(), "states": states}, [{"length": length, "valid": valid}])


def autoencoder(folder: Path, latents: list[tuple[int, int, int]], seed: int, **config) -> None:
    """Writes frames of `decode`, which processes the latent frame by frame and caches the inputs of each convolution."""
    model = AutoencoderKLWan(**config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    for name, tensor in model.named_parameters():
        if name.endswith("gamma"):
            tensor.data.copy_(1 + 0.2 * torch.randn(tensor.shape, generator=generator))
        # Otherwise large outputs would be clamped.
        if name.startswith("decoder.conv_out."):
            tensor.data.mul_(0.3)
    per_channel = lambda values: torch.tensor(values).view(1, -1, 1, 1, 1)
    vectors = {}
    for i, extent in enumerate(latents):
        z = torch.randn(1, model.config.z_dim, *extent, generator=generator)
        with torch.no_grad():
            denormalised = z * per_channel(model.config.latents_std) + per_channel(model.config.latents_mean)
            vectors |= {f"{i}.latent": z, f"{i}.frames": model.decode(denormalised).sample}
    needed = ("decoder.", "post_quant_conv.")
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(needed)}
    write(folder, saved_config(model), weights, vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    case = lambda latent, timestep, text_lengths: {
        "latent": latent, "timestep": timestep, "textLengths": text_lengths,
    }  # fmt: skip
    transformer(
        args.out / "wan",
        [case([1, 4, 6], 999, [7, 1]), case([3, 6, 4], 60, [3, 12]), case([2, 4, 10], 521, [5, 5])],
        seed=11, num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=10,
        freq_dim=16, ffn_dim=40, num_layers=4, rope_max_seq_len=32,
    )  # fmt: skip
    transformer(
        args.out / "wan-one-block", [case([2, 6, 4], 938, [2, 4])],
        seed=12, num_attention_heads=3, attention_head_dim=10, in_channels=3, out_channels=3, text_dim=6,
        freq_dim=8, ffn_dim=20, num_layers=1, rope_max_seq_len=8, patch_size=(2, 2, 1), eps=1e-5,
    )  # fmt: skip
    umt5(args.out / "umt5")
    autoencoder(
        args.out / "autoencoder-kl-wan", [(1, 3, 5), (2, 2, 3), (3, 3, 2), (5, 2, 3)],
        seed=13, base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
        temperal_downsample=[False, True, True], latents_mean=[-0.7, 0.1, 0.9, -0.2], latents_std=[2.8, 1.4, 0.5, 1.9],
    )  # fmt: skip


if __name__ == "__main__":
    main()
