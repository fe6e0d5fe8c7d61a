"""Writes test/golden/pipelines/ltx: a tiny random model folder and the output of diffusers 0.42.1's LTX pipelines.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 safetensors==0.8.0
    python tools/golden/pipeline_ltx.py --tokenizer models/demo/tokenizer --out test/golden/pipelines/ltx

The folder is a model like LTX-Video 0.9, saved by the pipeline itself, except for its tokenizer, which is the demo
model's and not copied. Its autoencoder has a timestep, as from 0.9.1 on. All noise is that of
lib/generation/sampling/noise.ts; the noise of the decoder is the seed's last stream. A picture has the mean of its
latents, and no sample. Two runs write the same bytes.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import (
    FlowMatchEulerDiscreteScheduler,
    LTXImageToVideoPipeline,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)
from diffusers.pipelines.ltx import pipeline_ltx
from PIL import Image
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from models import randomise
from models_ltx import DECODE_NOISE_SCALE, DECODE_TIMESTEP, packed, random_autoencoder
from pipeline_latte import noise

FRAMES, HEIGHT, WIDTH = 5, 32, 64
SPATIAL, TEMPORAL = 8, 2
CHANNELS = 4
DECODER_STREAM = 2**32 - 1
PROMPT = "a red circle moves fast to the left"
CASES = [
    {"steps": 3, "guidanceScale": 3.0, "fps": 25, "prompt": PROMPT, "negativePrompt": None, "seed": 1},
    {"steps": 4, "guidanceScale": 2.0, "fps": 30, "prompt": "a red circle", "negativePrompt": PROMPT, "seed": 2},
    {"steps": 3, "guidanceScale": 3.0, "fps": 25, "prompt": PROMPT, "negativePrompt": None, "seed": 3,
     "image": "first.png"},
]  # fmt: skip


def random_parts(tokens: int) -> dict[str, torch.nn.Module]:
    transformer = LTXVideoTransformer3DModel(
        num_attention_heads=2, attention_head_dim=10, in_channels=CHANNELS, out_channels=CHANNELS,
        cross_attention_dim=20, num_layers=2, caption_channels=12,
    )  # fmt: skip
    text_encoder = T5EncoderModel(
        T5Config(
            vocab_size=tokens, d_model=12, d_kv=6, num_heads=2, d_ff=20, num_layers=2, feed_forward_proj="gated-gelu",
            tie_word_embeddings=False, dropout_rate=0.0, attn_implementation="eager",
        )  # fmt: skip
    )
    generator = torch.Generator().manual_seed(51)
    parts = {"transformer": transformer.eval(), "text_encoder": text_encoder.eval()}
    for module in parts.values():
        randomise(module, generator)
    vae = random_autoencoder(
        generator, latent_channels=CHANNELS, block_out_channels=(6, 8), layers_per_block=(1, 1),
        down_block_types=("LTXVideo095DownBlock3D",), downsample_type=("spatiotemporal",),
        spatio_temporal_scaling=(True,), decoder_block_out_channels=(8,), decoder_layers_per_block=(1, 1),
        decoder_spatio_temporal_scaling=(True,), decoder_inject_noise=(False, False), upsample_residual=(True,),
        upsample_factor=(2,), timestep_conditioning=True, patch_size=4,
    )  # fmt: skip
    # Otherwise large outputs would be clamped.
    vae.decoder.conv_out.conv.weight.data.mul_(0.3)
    return parts | {"vae": vae}


def picture() -> Image.Image:
    """Returns a picture of the video's size: soft colours, and nothing that a resize would have to decide."""
    generator = torch.Generator().manual_seed(52)
    pixels = torch.randint(40, 216, (HEIGHT, WIDTH, 3), generator=generator, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def initial_latent(vae, case: dict, image: Image.Image) -> torch.Tensor:
    """Returns noise [B, C, F, H, W], in which the mean of the picture's latents is the first frame."""
    shape = (1, CHANNELS, (FRAMES - 1) // TEMPORAL + 1, HEIGHT // SPATIAL, WIDTH // SPATIAL)
    latent = noise(case["seed"], shape)
    if "image" not in case:
        return latent
    planes = torch.tensor(list(image.getdata()), dtype=torch.float32).reshape(HEIGHT, WIDTH, 3).permute(2, 0, 1)
    with torch.no_grad():
        mean = vae.encode((planes / 127.5 - 1)[None, :, None]).latent_dist.mode()
    latent[:, :, :1] = LTXPipeline._normalize_latents(mean, vae.latents_mean, vae.latents_std)
    return latent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/ltx"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    scheduler = FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=16, max_image_seq_len=512,
        shift_terminal=0.1,
    )  # fmt: skip
    parts = random_parts(len(tokenizer))
    image = picture()
    vectors = {}
    for i, case in enumerate(CASES):
        pipeline_class = LTXImageToVideoPipeline if "image" in case else LTXPipeline
        pipeline = pipeline_class(tokenizer=tokenizer, scheduler=scheduler, **parts)
        pipeline.set_progress_bar_config(disable=True)
        latent = initial_latent(parts["vae"], case, image)
        decoder_noise = noise(case["seed"], latent.shape, DECODER_STREAM)
        shared = dict(
            negative_prompt=case["negativePrompt"] or "", num_inference_steps=case["steps"], num_frames=FRAMES,
            guidance_scale=case["guidanceScale"], height=HEIGHT, width=WIDTH, frame_rate=case["fps"],
            decode_timestep=DECODE_TIMESTEP, decode_noise_scale=DECODE_NOISE_SCALE, output_type="pt",
        )  # fmt: skip
        final: list[torch.Tensor] = []
        unpack = pipeline._unpack_latents

        def unpacked(*arguments):
            final.append(unpack(*arguments))
            return final[-1]

        pipeline._unpack_latents = unpacked
        # Both pipelines draw one noise more, for the decoder; they draw it in different ways.
        pipeline_ltx.randn_tensor = lambda *_args, **_kwargs: decoder_noise
        randn, torch.randn = torch.randn, lambda *_args, **_kwargs: decoder_noise
        try:
            frames = pipeline(prompt=case["prompt"], latents=packed(latent).clone(), **shared).frames[0]
        finally:
            torch.randn = randn
        vectors[f"{i}.latent"] = final[-1][0].contiguous()
        if i != 1:
            vectors[f"{i}.frames"] = frames.half().contiguous()  # [F, 3, H, W]
    pipeline = LTXPipeline(tokenizer=tokenizer, scheduler=scheduler, **parts)
    pipeline.save_pretrained(args.out)
    shutil.rmtree(args.out / "tokenizer")
    image.save(args.out / "first.png")
    # The index is what the pipeline saved; what such a model makes is not in it.
    index = json.loads((args.out / "model_index.json").read_text())
    video = {
        "sizes": [[WIDTH, HEIGHT]], "frames": [FRAMES], "fps": [25, 30], "steps": 50, "guidance_scale": 3.0,
        "takes_image": True,
    }  # fmt: skip
    (args.out / "model_index.json").write_text(json.dumps(index | {"video": video}, indent=1) + "\n")
    (args.out / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
