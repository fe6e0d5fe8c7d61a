"""Writes test/golden/pipelines/open-sora: a tiny random model folder and the latents of Open-Sora 1.2's own sampler.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 timm==1.0.31 einops==0.8.2 safetensors==0.8.0 \
        rotary-embedding-torch==0.5.3 beartype pillow==13.0.0
    git clone --branch v1.2.0 https://github.com/hpcaitech/Open-Sora.git
    python tools/golden/pipeline_open_sora.py --checkout Open-Sora --tokenizer models/demo/tokenizer

`RFLOW.sample` and STDiT3 are the authors', in float32; the text encoder is transformers'. The decoder over time is too
large to be stored, and the folder has an autoencoder of pictures in its place: a latent frame is a frame. The tokenizer
is the demo model's and not copied, the noise that of lib/generation/sampling/noise.ts. Two runs write the same bytes.
"""

import argparse
import json
import sys
import types
from pathlib import Path

import torch
from PIL import Image
from diffusers import AutoencoderKL  # before the stand-ins that the transformer's imports need
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

import model_stdit3_upstream
from models import randomise
from pipeline_latte import noise

# The authors count 5 latent frames for 17; the folder's own decoder counts 5.
VIDEO_FRAMES, FRAMES, HEIGHT, WIDTH, FPS = 17, 5, 24, 32, 8
TEXT_LENGTH, TEXT_WIDTH = 40, 12
SUFFIX = " aesthetic score: 6.5."
TRANSFORMER = dict(
    hidden_size=24, depth=2, num_heads=2, mlp_ratio=2.0, patch_size=[1, 2, 2], in_channels=4, pred_sigma=True,
    caption_channels=TEXT_WIDTH, model_max_length=TEXT_LENGTH, qk_norm=True, input_sq_size=512,
)  # fmt: skip
CASES = [
    {"steps": 4, "guidanceScale": 7.0, "prompt": "a red circle moves fast to the left", "negativePrompt": None, "seed": 1},
    {"steps": 3, "guidanceScale": 2.0, "prompt": "a red circle", "negativePrompt": None, "seed": 2},
    {"steps": 3, "guidanceScale": 7.0, "prompt": "a red circle", "negativePrompt": None, "seed": 3, "image": "first.png"},
]  # fmt: skip


def load_sampler(checkout: Path):
    """Loads the authors' RFLOW, with stand-ins for imports of its package that sampling does not use."""

    class Registry:
        def register_module(self, _name):
            return lambda member: member

    sys.modules["opensora.registry"].SCHEDULERS = Registry()
    for name in ("opensora.schedulers", "opensora.schedulers.iddpm"):
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [str(checkout.joinpath(*name.split(".")))]
    from opensora.schedulers.rf import RFLOW

    return RFLOW


def without(prefixes: tuple[str, ...], module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {k: v for k, v in module.state_dict().items() if not k.startswith(prefixes)}


def first_frame(path: Path, vae: AutoencoderKL) -> torch.Tensor:
    """Returns the latent [1, C, 1, H, W] of a picture of noise, and writes the picture in the size of the video."""
    rgb = torch.randint(0, 256, (HEIGHT, WIDTH, 3), generator=torch.Generator().manual_seed(62), dtype=torch.uint8)
    Image.fromarray(rgb.numpy()).save(path)
    picture = rgb.permute(2, 0, 1)[None] / 255 * 2 - 1
    return (vae.encode(picture).latent_dist.mode() * vae.config.scaling_factor)[:, :, None]


def save_part(folder: Path, weights: dict[str, torch.Tensor], config: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model.safetensors")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, required=True, help="hpcaitech/Open-Sora at v1.2.0")
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/pipelines/open-sora"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    STDiT3, STDiT3Config = model_stdit3_upstream.load(args.checkout)
    RFLOW = load_sampler(args.checkout)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    generator = torch.Generator().manual_seed(61)
    transformer = STDiT3(STDiT3Config(**TRANSFORMER)).eval()
    encoder = T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer), d_model=TEXT_WIDTH, d_kv=6, num_heads=2, d_ff=20, num_layers=2,
            feed_forward_proj="gated-gelu", tie_word_embeddings=False, dropout_rate=0.0, attn_implementation="eager",
        )  # fmt: skip
    ).eval()
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
        block_out_channels=[8, 8], layers_per_block=1, norm_num_groups=4, sample_size=16,
    ).eval()  # fmt: skip
    randomise(transformer, generator, keep=("rope.freqs",))
    randomise(encoder, generator)
    randomise(vae, generator)

    def encode(prompts):
        ids = tokenizer(prompts, padding="max_length", max_length=TEXT_LENGTH, truncation=True, return_tensors="pt")
        states = encoder(ids.input_ids, attention_mask=ids.attention_mask).last_hidden_state
        return {"y": states[:, None], "mask": ids.attention_mask}

    def null(count):
        return transformer.y_embedder.y_embedding[None].repeat(count, 1, 1)[:, None]

    video = {"height": HEIGHT, "width": WIDTH, "num_frames": VIDEO_FRAMES, "fps": FPS}
    vectors = {}
    for i, case in enumerate(CASES):
        sampler = RFLOW(
            num_sampling_steps=case["steps"], cfg_scale=case["guidanceScale"], use_timestep_transform=True
        )
        z = noise(case["seed"], (1, 4, FRAMES, HEIGHT // 2, WIDTH // 2))
        mask = None
        if "image" in case:  # as apply_mask_strategy does for the strategy "0"; the mean of the latent for a draw
            z[:, :, :1] = first_frame(args.out / case["image"], vae)
            mask = torch.tensor([[0.0] + [1.0] * (FRAMES - 1)])
        vectors[f"{i}.latent"] = sampler.sample(
            transformer, types.SimpleNamespace(encode=encode, null=null),
            z, [case["prompt"].lower() + SUFFIX], "cpu", mask=mask, progress=False,
            additional_args={name: torch.tensor([float(value)]) for name, value in video.items()},
        )[0].contiguous()  # fmt: skip
    save_part(args.out / "transformer", transformer.state_dict(), {"model_type": "STDiT3"} | TRANSFORMER)
    copies = ("encoder.embed_tokens.",)
    save_part(args.out / "text_encoder", without(copies, encoder), json.loads(encoder.config.to_json_string()))
    config = {k: v for k, v in vae.config.items() if not k.startswith("_")}
    save_part(args.out / "vae", vae.state_dict(), config)
    (args.out / "scheduler").mkdir(exist_ok=True)
    (args.out / "scheduler/scheduler_config.json").write_text("{}\n")
    index = {
        "_class_name": "OpenSoraPipeline",
        "transformer": ["adareel", "STDiT3"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["adareel", "RFlowScheduler"],
        "video": {
            "sizes": [[WIDTH, HEIGHT]], "frames": [FRAMES], "fps": [FPS], "steps": 30, "guidance_scale": 7.0,
            "caption": "lowercase", "prompt_suffix": SUFFIX, "takes_image": True,
        },
    }  # fmt: skip
    (args.out / "model_index.json").write_text(json.dumps(index, indent=1) + "\n")
    (args.out / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
