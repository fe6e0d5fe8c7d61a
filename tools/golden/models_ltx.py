"""Writes the golden vectors of LTX-Video to test/golden/models: tiny random models and the results of the references.

    LTXVideoTransformer3DModel   diffusers 0.42.1
    AutoencoderKLLTXVideo        diffusers 0.42.1
    T5EncoderModel               transformers 5.23.0, the model of test/golden/models/t5 without a mask

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/models_ltx.py --out test/golden/models

The layout of a folder is that of models.py. Two runs write the same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo, LTXPipeline, LTXVideoTransformer3DModel
from safetensors.torch import load_file, save_file
from transformers import T5Config, T5EncoderModel

from models import randomise, write
from models_wan import saved_config

# Frames and pixels for each element of a latent, as those of the published autoencoder.
TEMPORAL, SPATIAL = 8, 32
# Arguments of the published examples for decoders with a timestep.
DECODE_TIMESTEP, DECODE_NOISE_SCALE = 0.05, 0.025


def packed(latent: torch.Tensor) -> torch.Tensor:
    """Returns the tokens [B, F * H * W, C] of a latent [B, C, F, H, W]."""
    return latent.flatten(2).transpose(1, 2)


def transformer(folder: Path, cases: list[dict], seed: int, **config) -> None:
    model = LTXVideoTransformer3DModel(**config).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(model, generator)
    probed = model.transformer_blocks[max(0, len(model.transformer_blocks) // 2 - 1)]
    seen: dict[str, torch.Tensor] = {}

    def gate(module, _args, kwargs):
        temb = kwargs["temb"].unflatten(-1, (6, -1))  # [B, 1 or N, 6, D]
        seen.update(gate=(module.scale_shift_table + temb)[:, :, 2])

    model.transformer_blocks[0].register_forward_pre_hook(
        lambda _m, _args, kwargs: seen.update(trunk_in=kwargs["hidden_states"]), with_kwargs=True
    )
    model.norm_out.register_forward_pre_hook(lambda _m, args: seen.update(trunk_out=args[0]))
    probed.register_forward_pre_hook(gate, with_kwargs=True)
    probed.attn1.register_forward_hook(lambda _m, _args, out: seen.update(attention=out))
    vectors = {}
    for i, case in enumerate(cases):
        frames, height, width = case["latent"]
        latent = torch.randn(1, config["in_channels"], frames, height, width, generator=generator)
        # Rows after a text are random too: they have to be masked.
        rows = max(case["textLengths"]) + 2
        text = torch.randn(2, rows, config["caption_channels"], generator=generator)
        mask = torch.stack([torch.arange(rows) < n for n in case["textLengths"]]).long()
        given = case.get("givenFrames", 0) * height * width
        is_given = (torch.arange(frames * height * width) < given).float()
        timestep = torch.tensor([case["timestep"]] * 2, dtype=torch.float32)
        if given:
            timestep = timestep[:, None] * (1 - is_given)
        with torch.no_grad():
            prediction = model(
                packed(torch.cat([latent, latent])), text, timestep, mask, frames, height, width,
                (TEMPORAL / case["fps"], SPATIAL, SPATIAL),
            ).sample  # fmt: skip
        vectors |= {
            f"{i}.latent": latent,
            f"{i}.text": text,
            f"{i}.prediction": prediction.transpose(1, 2).unflatten(2, (frames, height, width)),
            f"{i}.residual": seen["trunk_out"] - seen["trunk_in"],
            f"{i}.probe": seen["gate"] * seen["attention"],
        }
    write(folder, saved_config(model), model.state_dict(), vectors, cases)


def random_autoencoder(generator: torch.Generator, **config) -> AutoencoderKLLTXVideo:
    model = AutoencoderKLLTXVideo(**config).eval()
    randomise(model, generator)
    model.latents_mean.copy_(0.5 * torch.randn(model.latents_mean.shape, generator=generator))
    model.latents_std.copy_(1 + torch.rand(model.latents_std.shape, generator=generator))
    if model.decoder.timestep_scale_multiplier is not None:
        model.decoder.timestep_scale_multiplier.data.fill_(920.0)
    return model


def decoder(folder: Path, latents: list[tuple[int, int, int]], seed: int, **config) -> None:
    """Writes frames of a whole latent, to which the pipeline adds noise before a decoder with a timestep."""
    generator = torch.Generator().manual_seed(seed)
    model = random_autoencoder(generator, **config)
    statistics = (model.latents_mean, model.latents_std, model.config.scaling_factor)
    vectors = {}
    for i, extent in enumerate(latents):
        z = torch.randn(1, model.config.latent_channels, *extent, generator=generator)
        denormalised = LTXPipeline._denormalize_latents(z, *statistics)
        timestep = None
        if model.config.timestep_conditioning:
            noise = torch.randn(z.shape, generator=generator)
            vectors[f"{i}.noise"] = noise
            denormalised = (1 - DECODE_NOISE_SCALE) * denormalised + DECODE_NOISE_SCALE * noise
            timestep = torch.tensor([DECODE_TIMESTEP])
        with torch.no_grad():
            vectors |= {f"{i}.latent": z, f"{i}.frames": model.decode(denormalised, timestep).sample}
    weights = {k: v for k, v in model.state_dict().items() if not k.startswith("encoder.")}
    write(folder, saved_config(model), weights, vectors)


def encoder(folder: Path, latent: tuple[int, int], seed: int, **config) -> None:
    """Writes the normalised mean of the latents of a picture, as LTXImageToVideoPipeline makes it a first frame."""
    generator = torch.Generator().manual_seed(seed)
    model = random_autoencoder(generator, **config)
    scale = model.spatial_compression_ratio
    picture = torch.rand(1, 3, latent[0] * scale, latent[1] * scale, generator=generator) * 2 - 1
    with torch.no_grad():
        mean = model.encode(picture[:, :, None]).latent_dist.mode()
    statistics = (model.latents_mean, model.latents_std, model.config.scaling_factor)
    weights = {k: v for k, v in model.state_dict().items() if not k.startswith("decoder.")}
    vectors = {"picture": picture, "latent": LTXPipeline._normalize_latents(mean, *statistics)}
    write(folder, saved_config(model), weights, vectors)


def t5_with_padding(model_folder: Path, folder: Path) -> None:
    """Writes the states of a padded prompt whose tokens attend to the padding, as LTXPipeline encodes it."""
    saved = json.loads((model_folder / "config.json").read_text())
    config = T5Config(**saved, tie_word_embeddings=False, dropout_rate=0.0, attn_implementation="eager")
    model = T5EncoderModel(config).eval()
    model.load_state_dict(load_file(model_folder / "model.safetensors"), strict=False)
    model.encoder.embed_tokens.weight = model.shared.weight
    ids = torch.tensor([[7, 31, 12, 40, 1] + [0] * 19])
    with torch.no_grad():
        states = model(input_ids=ids).last_hidden_state
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"ids": ids.float(), "states": states.contiguous()}, folder / "vectors.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("test/golden/models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    case = lambda latent, timestep, text_lengths, fps=25, **more: {
        "latent": latent, "timestep": timestep, "textLengths": text_lengths, "fps": fps,
        "height": SPATIAL * latent[1], "width": SPATIAL * latent[2], **more,
    }  # fmt: skip
    transformer(
        args.out / "ltx",
        [case([1, 3, 5], 1000, [7, 1]), case([3, 4, 2], 61.25, [3, 12], fps=30), case([2, 3, 4], 521.5, [5, 5])],
        seed=21, num_attention_heads=2, attention_head_dim=10, in_channels=6, out_channels=6, cross_attention_dim=20,
        num_layers=4, caption_channels=10,
    )  # fmt: skip
    transformer(
        args.out / "ltx-given-frames",
        [case([3, 2, 3], 938, [2, 4], givenFrames=1), case([2, 3, 2], 87.5, [6, 3], fps=24, givenFrames=1)],
        seed=22, num_attention_heads=3, attention_head_dim=8, in_channels=5, out_channels=5, cross_attention_dim=24,
        num_layers=1, caption_channels=6, norm_eps=1e-5,
    )  # fmt: skip
    decoder(
        args.out / "autoencoder-kl-ltx", [(1, 2, 3), (3, 3, 2)],
        seed=23, latent_channels=6, block_out_channels=(4,), decoder_block_out_channels=(4, 6, 8),
        down_block_types=("LTXVideoDownBlock3D",), downsample_type=("conv",), layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 2, 1, 2), spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True, True, False), scaling_factor=0.8, patch_size=2,
        spatial_compression_ratio=8, temporal_compression_ratio=4,
    )  # fmt: skip
    decoder(
        args.out / "autoencoder-kl-ltx-timestep", [(1, 3, 2), (2, 2, 3)],
        seed=24, latent_channels=4, block_out_channels=(4,), decoder_block_out_channels=(8,),
        down_block_types=("LTXVideoDownBlock3D",), downsample_type=("conv",), layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 2), spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True,), upsample_residual=(True,), upsample_factor=(2,),
        decoder_inject_noise=(False, False), timestep_conditioning=True,
    )  # fmt: skip
    decoder(
        args.out / "autoencoder-kl-ltx-causal", [(3, 2, 2)],
        seed=25, latent_channels=3, block_out_channels=(4,), decoder_block_out_channels=(4,),
        down_block_types=("LTXVideoDownBlock3D",), downsample_type=("conv",), layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1), spatio_temporal_scaling=(True,), decoder_spatio_temporal_scaling=(True,),
        decoder_causal=True, patch_size=1,
    )  # fmt: skip
    small = dict(
        decoder_block_out_channels=(4,), decoder_layers_per_block=(1, 1), decoder_spatio_temporal_scaling=(True,),
    )  # fmt: skip
    encoder(
        args.out / "autoencoder-kl-ltx-encoder", (3, 2), seed=26, latent_channels=5, block_out_channels=(4, 6, 6),
        down_block_types=("LTXVideoDownBlock3D",) * 3, downsample_type=("conv",) * 3, layers_per_block=(1, 2, 1, 1),
        spatio_temporal_scaling=(True, True, False), patch_size=2, scaling_factor=1.3, **small,
    )  # fmt: skip
    encoder(
        args.out / "autoencoder-kl-ltx-095-encoder", (2, 3), seed=27, latent_channels=4,
        block_out_channels=(4, 8, 8, 16), down_block_types=("LTXVideo095DownBlock3D",) * 3,
        downsample_type=("spatial", "temporal", "spatiotemporal"), layers_per_block=(1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True), patch_size=2, spatial_compression_ratio=8,
        temporal_compression_ratio=4, **small,
    )  # fmt: skip
    t5_with_padding(args.out / "t5", args.out / "t5-with-padding")


if __name__ == "__main__":
    main()
