"""Writes test/golden/models/autoencoder-kl-wan-residual: the autoencoder of Wan 2.2 TI2V-5B with tiny random weights.

    AutoencoderKLWan with is_residual   diffusers 0.42.1

    pip install torch==2.15.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/models_wan_residual.py --out test/golden/models

The reference decodes and encodes frame by frame, with a cache for each convolution. The layout of a folder is that of
models.py. Two runs write the same bytes.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan

from models import randomise, write
from models_wan import saved_config

CONFIG = dict(
    base_dim=2, decoder_base_dim=3, z_dim=4, dim_mult=[1, 2, 4, 4], num_res_blocks=1,
    temperal_downsample=[False, True, True], latents_mean=[-0.7, 0.1, 0.9, -0.2], latents_std=[2.8, 1.4, 0.5, 1.9],
    is_residual=True, in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16,
)  # fmt: skip
LATENTS = [(1, 2, 1), (2, 1, 2), (3, 2, 1), (5, 1, 1)]
PICTURES = [(1, 2), (2, 1)]


def random_autoencoder(seed: int) -> AutoencoderKLWan:
    model = AutoencoderKLWan(**CONFIG).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    for name, tensor in model.named_parameters():
        if name.endswith("gamma"):
            tensor.data.copy_(1 + 0.2 * torch.randn(tensor.shape, generator=generator))
        # Otherwise large outputs would be clamped.
        if name.startswith("decoder.conv_out."):
            tensor.data.mul_(0.2)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = random_autoencoder(23)
    generator = torch.Generator().manual_seed(24)
    mean, std = (torch.tensor(CONFIG[f"latents_{name}"]).view(1, -1, 1, 1, 1) for name in ("mean", "std"))
    vectors = {}
    with torch.no_grad():
        for i, extent in enumerate(LATENTS):
            z = torch.randn(1, model.config.z_dim, *extent, generator=generator)
            vectors |= {f"{i}.latent": z, f"{i}.frames": model.decode(z * std + mean).sample}
        for i, (height, width) in enumerate(PICTURES):
            picture = torch.rand(1, 3, 16 * height, 16 * width, generator=generator) * 2 - 1
            encoded = model.encode(picture.unsqueeze(2)).latent_dist.mode()
            vectors |= {f"{i}.picture": picture, f"{i}.encoded": (encoded - mean) / std}
    write(args.out / "autoencoder-kl-wan-residual", saved_config(model), model.state_dict(), vectors)


if __name__ == "__main__":
    main()
