"""Writes test/golden/lora/two: LoRA files for both transformers of test/golden/pipelines/wan-two-transformers, and latents of
diffusers 0.42.1's WanPipeline with them.

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 peft==0.21.2 safetensors==0.8.0
    python tools/golden/lora_wan_two.py --tokenizer models/demo/tokenizer --out test/golden/lora/two

Two runs write the same bytes.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

from models_wan import TEXT_ROWS
from pipeline_latte import noise
from pipeline_wan import FRAMES, HEIGHT, WIDTH
from pipeline_wan_two import BOUNDARY_RATIO, CASES, SCHEDULER

FILES = ["both", "lightning/high_noise_model", "lightning/low_noise_model"]
ATTENTION = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "o"}
# Scales by transformer; None leaves a transformer as it is.
RUNS = [
    {"name": "both", "files": ["both", "both"], "scales": [1.0, 1.0]},
    {"name": "first", "files": ["both", None], "scales": [0.5, None]},
    {"name": "lightning", "files": ["lightning/high_noise_model", "lightning/low_noise_model"], "scales": [1.0, 1.0]},
]


def lora(generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Attention of two blocks in the dialect of ComfyUI, alpha and all, as distilled LoRAs have it."""
    tensors = {}
    for block in range(2):
        layers = [f"{attn}.{name}" for attn in ("self_attn", "cross_attn") for name in ATTENTION.values()]
        sizes = {"ffn.0": (32, 40), "ffn.2": (40, 32)}
        for layer in [*layers, *sizes]:
            inputs, outputs = sizes.get(layer, (32, 32))
            path = f"diffusion_model.blocks.{block}.{layer}"
            tensors[f"{path}.lora_down.weight"] = torch.randn(2, inputs, generator=generator) / inputs**0.5
            tensors[f"{path}.lora_up.weight"] = 0.3 * torch.randn(outputs, 2, generator=generator)
            tensors[f"{path}.alpha"] = torch.tensor(1.0)
    return {key: tensor.to(torch.bfloat16) for key, tensor in tensors.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=Path, default=Path("models/demo/tokenizer"))
    parser.add_argument("--pipelines", type=Path, default=Path("test/golden/pipelines"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/lora/two"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(args.tokenizer / "tokenizer.json"), eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    generator = torch.Generator().manual_seed(141)
    for file in FILES:
        path = args.out / f"{file}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(lora(generator), path)
    vectors, case = {}, CASES[0]
    for run in RUNS:
        first, second = (
            WanTransformer3DModel.from_pretrained(args.pipelines / folder).eval()
            for folder in ("wan/transformer", "wan-two-transformers/transformer_2")
        )
        pipeline = WanPipeline(
            tokenizer=tokenizer, scheduler=UniPCMultistepScheduler(**SCHEDULER), transformer=first,
            transformer_2=second, boundary_ratio=BOUNDARY_RATIO,
            text_encoder=UMT5EncoderModel.from_pretrained(args.pipelines / "wan/text_encoder").eval(),
            # Only its scale is asked for: latents are not decoded.
            vae=AutoencoderKLWan.from_config(AutoencoderKLWan.load_config(args.pipelines / "wan/vae")),
        )  # fmt: skip
        pipeline.set_progress_bar_config(disable=True)
        models = [pipeline.transformer, pipeline.transformer_2]
        for index, (file, scale) in enumerate(zip(run["files"], run["scales"])):
            if file is None:
                continue
            path = args.out / f"{file}.safetensors"
            pipeline.load_lora_weights(path, adapter_name="one", load_into_transformer_2=index == 1)
            models[index].set_adapters(["one"], [scale])
        latent = pipeline(
            case["prompt"], negative_prompt="", num_inference_steps=case["steps"], num_frames=FRAMES,
            guidance_scale=case["guidanceScale"], guidance_scale_2=case["guidanceScale2"], height=HEIGHT, width=WIDTH,
            max_sequence_length=TEXT_ROWS, output_type="latent",
            latents=noise(case["seed"], (1, 4, (FRAMES - 1) // 4 + 1, HEIGHT // 8, WIDTH // 8)),
        ).frames[0]  # fmt: skip
        vectors[f"{run['name']}.latent"] = latent.contiguous()
    (args.out / "cases.json").write_text(json.dumps(RUNS, indent=1) + "\n")
    save_file(vectors, args.out / "vectors.safetensors")


if __name__ == "__main__":
    main()
