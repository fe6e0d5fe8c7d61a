"""Writes the golden vectors of Open-Sora-Plan's video autoencoder to test/golden/models: the authors' CausalVAEModel, tiny
and random.

    pip install torch==2.15.0 diffusers==0.42.1 safetensors==0.8.0 einops==0.8.2
    git clone --branch v1.1.0 https://github.com/PKU-YuanGroup/Open-Sora-Plan.git
    python tools/golden/models_open_sora_plan_vae.py --checkout Open-Sora-Plan --out test/golden/models

Normalisations have GROUPS groups and tiles the sizes below instead of those the authors' code is bound to. The layout of a
folder is that of models.py; latents and frames are those of a video [C, F, H, W], and `tiled` are the frames that were
decoded in tiles. Two runs write the same bytes.
"""

import argparse
from pathlib import Path

import torch

import upstream_vaes
from models import randomise, write

GROUPS = 2
TILE_PIXELS, TILE_FRAMES = 16, 9


def causal_vae(CausalVAEModel, folder: Path, latents: list[tuple[int, int, int]], seed: int, **config) -> None:
    levels = len(config["hidden_size_mult"])
    model = CausalVAEModel(
        decoder_resnet_blocks=["ResnetBlock3D"] * levels, encoder_resnet_blocks=["ResnetBlock3D"] * levels,
        encoder_spatial_downsample=["SpatialDownsample2x"] * (levels - 1) + [""],
        encoder_temporal_downsample=["TimeDownsample2x"] * (levels - 1) + [""], **config,
    ).eval()  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    model.tile_sample_min_size, model.tile_latent_min_size = TILE_PIXELS, TILE_PIXELS // 2 ** (levels - 1)
    model.tile_sample_min_size_t, model.tile_latent_min_size_t = TILE_FRAMES, (TILE_FRAMES - 1) // 2 ** (levels - 1) + 1
    vectors = {}
    for i, latent in enumerate(latents):
        z = torch.randn(model.config.embed_dim, *latent, generator=generator)
        for name, is_tiled in (("frames", False), ("tiled", True)):
            model.use_tiling = is_tiled
            with torch.no_grad():
                vectors[f"{i}.{name}"] = model.decode(z[None] / 0.18215)[0]
        vectors[f"{i}.latent"] = z
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(("decoder.", "post_quant_conv."))}
    saved = {k: v for k, v in model.config.items() if not k.startswith(("_", "loss"))}
    write(folder, {"_class_name": "CausalVAEModel"} | saved, weights, vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, required=True, help="PKU-YuanGroup/Open-Sora-Plan at v1.1.0")
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    CausalVAEModel = upstream_vaes.open_sora_plan(args.checkout, GROUPS)
    causal_vae(
        CausalVAEModel, args.out / "open-sora-plan-vae", [(1, 3, 4), (2, 4, 3), (5, 7, 4)], seed=51,
        hidden_size=4, hidden_size_mult=[1, 2, 3], z_channels=5, embed_dim=4, num_res_blocks=1,
        decoder_attention="AttnBlock3DFix", decoder_spatial_upsample=["", "SpatialUpsample2x", "SpatialUpsample2x"],
        decoder_temporal_upsample=["", "TimeUpsampleRes2x", "TimeUpsampleRes2x"],
    )  # fmt: skip
    # The modules of scripts/causalvae/release.json, which Open-Sora-Plan 1.0 was trained with.
    causal_vae(
        CausalVAEModel, args.out / "open-sora-plan-vae-1.0", [(3, 2, 3)], seed=52,
        hidden_size=4, hidden_size_mult=[1, 2], z_channels=4, embed_dim=4, num_res_blocks=0,
        decoder_attention="AttnBlock3D", decoder_spatial_upsample=["", "SpatialUpsample2x"],
        decoder_temporal_upsample=["", "TimeUpsample2x"],
    )  # fmt: skip


if __name__ == "__main__":
    main()
