"""Writes the golden vectors of Open-Sora's video autoencoder to test/golden/models: the authors' VideoAutoencoderPipeline
with VAE_Temporal and diffusers' AutoencoderKL, tiny and random.

    pip install torch==2.15.0 diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0 einops==0.8.2
    git clone --branch v1.2.0 https://github.com/hpcaitech/Open-Sora.git
    python tools/golden/models_open_sora_vae.py --checkout Open-Sora --out test/golden/models

The layout of a folder is that of models.py; latents and frames are those of a video [C, F, H, W]. Two runs write the same
bytes.
"""

import argparse
import sys
from pathlib import Path

import torch

import upstream_vaes
from models import randomise, write

AUTOENCODER_KL = dict(
    down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
    block_out_channels=[8, 12], layers_per_block=1, norm_num_groups=4, scaling_factor=0.13025, sample_size=16,
)  # fmt: skip
CONFIG = dict(
    vae_2d=dict(type="VideoAutoencoderKL", from_pretrained="tiny", subfolder="vae", micro_batch_size=4),
    vae_temporal=dict(
        type="VAE_Temporal", in_out_channels=4, latent_embed_dim=6, embed_dim=5, filters=4, num_res_blocks=2,
        channel_multipliers=[1, 2, 2, 3], temporal_downsample=[False, True, True], num_groups=2,
    ),
    micro_frame_size=17, cal_loss=False, freeze_vae_2d=False,
    scale=[3.85, 2.32, 2.33, 3.06, 1.5], shift=[-0.10, 0.34, 0.27, 0.98, -0.4],
)  # fmt: skip


def encoder(model: torch.nn.Module, generator: torch.Generator) -> tuple[dict, dict, dict]:
    """Returns the encoder's part of a folder. Means of its distributions are used instead of samples."""
    distributions = sys.modules["opensora.models.vae.utils"], sys.modules["diffusers.models.autoencoders.vae"]
    for module in distributions:
        module.DiagonalGaussianDistribution.sample = lambda self, *_: self.mean.clone()
    vectors = {}
    for i, (height, width) in enumerate([(6, 10), (8, 4)]):
        picture = torch.rand(1, 3, 1, height, width, generator=generator) * 2 - 1
        with torch.no_grad():
            vectors |= {f"{i}.picture": picture[:, :, 0], f"{i}.latent": model.encode(picture)}
    kept = ("scale", "shift", "spatial_vae.module.encoder.", "spatial_vae.module.quant_conv.",
            "temporal_vae.encoder.", "temporal_vae.quant_conv.")  # fmt: skip
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(kept)}
    return {"architectures": ["VideoAutoencoderPipeline"]} | CONFIG, weights, vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, required=True, help="hpcaitech/Open-Sora at v1.2.0")
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    Pipeline, Config = upstream_vaes.open_sora(args.checkout, AUTOENCODER_KL)
    model = Pipeline(Config(**CONFIG)).eval()
    generator = torch.Generator().manual_seed(41)
    randomise(model, generator)
    vectors = {}
    for i, (latent, frames) in enumerate([((1, 3, 5), 1), ((5, 3, 4), 17), ((10, 2, 3), 34)]):
        z = torch.randn(CONFIG["vae_temporal"]["embed_dim"], *latent, generator=generator)
        with torch.no_grad():
            decoded = model.decode(z[None], num_frames=frames)[0]
        assert decoded.shape[1] == frames
        vectors |= {f"{i}.latent": z, f"{i}.frames": decoded}
    write(args.out / "open-sora-vae-encoder", *encoder(model, generator))
    kept = ("scale", "shift", "spatial_vae.module.decoder.", "spatial_vae.module.post_quant_conv.",
            "temporal_vae.decoder.", "temporal_vae.post_quant_conv.")  # fmt: skip
    weights = {k: v for k, v in model.state_dict().items() if k.startswith(kept)}
    write(args.out / "open-sora-vae", {"architectures": ["VideoAutoencoderPipeline"]} | CONFIG, weights, vectors)


if __name__ == "__main__":
    main()
