"""Writes test/golden/lora: LoRA files for the tiny Wan of test/golden/models/wan, and what the model predicts with them.

    diffusers   load_lora_weights and set_adapters of diffusers 0.42.1, with peft 0.21.2
    formula     weights merged in float32, W + scale * alpha / rank * B A, for files that diffusers refuses, or reads in part

    pip install torch==2.15.0 transformers==5.23.0 diffusers==0.42.1 peft==0.21.2 safetensors==0.8.0
    python tools/golden/lora_wan.py --base test/golden/models/wan --out test/golden/lora

Every file has the names, types and header of one of the programs that write LoRA files. Two runs write the same bytes.
"""

import argparse
import copy
import json
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

TEXT_ROWS = 512
CASE = 1
BLOCKS = 4
ATTENTION = [f"{attn}.{part}" for attn in ("attn1", "attn2") for part in ("to_q", "to_k", "to_v", "to_out.0")]
LAYERS = [*ATTENTION, "ffn.net.0.proj", "ffn.net.2"]
ORIGINAL = {
    "attn1.to_q": "self_attn.q", "attn1.to_k": "self_attn.k", "attn1.to_v": "self_attn.v", "attn1.to_out.0": "self_attn.o",
    "attn2.to_q": "cross_attn.q", "attn2.to_k": "cross_attn.k", "attn2.to_v": "cross_attn.v",
    "attn2.to_out.0": "cross_attn.o", "ffn.net.0.proj": "ffn.0", "ffn.net.2": "ffn.2",
}  # fmt: skip
OUTSIDE = {
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "proj_out": "head.head",
}


class Goldens:
    def __init__(self, base: Path, out: Path):
        self.config = json.loads((base / "config.json").read_text())
        self.weights = load_file(base / "model.safetensors")
        self.vectors = load_file(base / "vectors.safetensors")
        self.case = json.loads((base / "cases.json").read_text())[CASE]
        self.out, self.generator = out, torch.Generator().manual_seed(140)
        self.results: dict[str, torch.Tensor] = {}
        self.cases: list[dict] = []
        out.mkdir(parents=True, exist_ok=True)

    def model(self) -> WanTransformer3DModel:
        model = WanTransformer3DModel.from_config(self.config).eval()
        model.load_state_dict(self.weights)
        return model

    def matrices(self, layer: str, rank: int, dtype=torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns A [rank, in] and B [out, rank] of a change that is about half as large as the weight."""
        weight = self.weights[f"{layer}.weight"]
        down = torch.randn(rank, *weight.shape[1:], generator=self.generator) / weight[0].numel() ** 0.5
        up = 0.3 * torch.randn(weight.shape[0], rank, *[1] * (weight.ndim - 2), generator=self.generator)
        return down.to(dtype), up.to(dtype)

    def noise(self, tensor: str) -> torch.Tensor:
        return 0.2 * torch.randn(self.weights[tensor].shape, generator=self.generator)

    def save(self, name: str, tensors: dict, metadata: dict | None = None) -> Path:
        path = self.out / f"{name}.safetensors"
        save_file({key: t.contiguous().clone() for key, t in tensors.items()}, path, metadata)
        return path

    def predict(self, model: WanTransformer3DModel, name: str, by: str, loras: list[dict]) -> None:
        latent, rows = self.vectors[f"{CASE}.latent"], self.vectors[f"{CASE}.text"]
        text = torch.zeros(2, TEXT_ROWS, self.config["text_dim"])
        text[:, : rows.shape[1]] = rows
        timestep = torch.tensor([self.case["timestep"]] * 2)
        with torch.no_grad():
            prediction = model(torch.cat([latent, latent]), timestep, text).sample
            base = self.model()(torch.cat([latent, latent]), timestep, text).sample
        change = (prediction - base).abs().max() / base.abs().max()
        print(f"{name} ({by}): changes the prediction by {change:.2f}")
        assert change > 0.02 or all(lora["scale"] == 0 for lora in loras)
        self.results[f"{name}.prediction"] = prediction
        self.cases.append({"name": name, "by": by, "loras": loras})

    def by_diffusers(self, name: str, loras: list[tuple[str, float]]) -> None:
        pipeline = WanPipeline(
            tokenizer=None, text_encoder=None, vae=None, scheduler=FlowMatchEulerDiscreteScheduler(), transformer=self.model()
        )
        for file, _ in loras:
            pipeline.load_lora_weights(self.out / f"{file}.safetensors", adapter_name=file)
        pipeline.set_adapters([file for file, _ in loras], [scale for _, scale in loras])
        told = [{"file": file, "scale": scale} for file, scale in loras]
        self.predict(pipeline.transformer, name, "diffusers", told)

    def by_formula(self, name: str, changes: dict[str, torch.Tensor]) -> None:
        model = self.model()
        weights = copy.deepcopy(self.weights)
        for tensor, change in changes.items():
            weights[tensor] = weights[tensor] + change.reshape(weights[tensor].shape)
        model.load_state_dict(weights)
        self.predict(model, name, "formula", [{"file": name, "scale": 1}])


def low_rank(down: torch.Tensor, up: torch.Tensor, alpha: float | None) -> torch.Tensor:
    rank = down.shape[0]
    return (1 if alpha is None else alpha / rank) * (up.float().reshape(-1, rank) @ down.float().reshape(rank, -1))


def own(goldens: Goldens, name: str, header: bool, **config) -> None:
    """A file as diffusers' save_lora_weights writes it, with the adapter's settings in its header or without."""
    model = goldens.model()
    adapter = LoraConfig(r=4, target_modules=["attn1.to_q", "attn2.to_v", "ffn.net.0.proj", "proj_out"], **config)
    model.add_adapter(adapter)
    for key, parameter in model.named_parameters():
        if ".lora_" in key:
            size = 0.3 if ".lora_B." in key else parameter.shape[1] ** -0.5
            parameter.data = size * torch.randn(parameter.shape, generator=goldens.generator)
    state = get_peft_model_state_dict(model)
    WanPipeline.save_lora_weights(
        goldens.out, transformer_lora_layers=state, weight_name=f"{name}.safetensors",
        transformer_lora_adapter_metadata=adapter.to_dict() if header else None,
    )  # fmt: skip
    goldens.by_diffusers(name, [(name, 1.0)])


def every_layer(goldens: Goldens, name_of, down: str, up: str, alpha: torch.Tensor, dtype, rank: int) -> dict:
    tensors = {}
    for block in range(BLOCKS):
        for layer in LAYERS:
            a, b = goldens.matrices(f"blocks.{block}.{layer}", rank, dtype)
            path = name_of(block, ORIGINAL[layer])
            tensors |= {f"{path}.{down}": a, f"{path}.{up}": b, f"{path}.alpha": alpha.clone()}
    return tensors


def wide(goldens: Goldens) -> None:
    """What ComfyUI reads and diffusers does not: alpha outside blocks, differences, a convolution, mixed names."""
    tensors, changes = {}, {}

    def pair(layer: str, path: str, endings: tuple[str, str], rank: int, alpha: torch.Tensor | None, dtype=torch.float32):
        down, up = goldens.matrices(layer, rank, dtype)
        tensors.update({f"{path}.{endings[0]}.weight": down, f"{path}.{endings[1]}.weight": up})
        if alpha is not None:
            tensors[f"{path}.alpha"] = alpha
        changes[f"{layer}.weight"] = low_rank(down, up, None if alpha is None else float(alpha))

    def difference(tensor: str, key: str, shape: tuple[int, ...] | None = None):
        noise = goldens.noise(tensor)
        tensors[key] = noise if shape is None else noise.reshape(shape)
        changes[tensor] = noise

    prefix = "diffusion_model."
    outside = list(OUTSIDE.items())
    pair(*outside[0], ("lora_A", "lora_B"), 3, torch.tensor(7))
    pair(*outside[4], ("lora_down", "lora_up"), 2, torch.tensor([3.3], dtype=torch.bfloat16))
    pair(*outside[5], ("lora.down", "lora.up"), 3, torch.tensor(2.5, dtype=torch.float64), torch.float16)
    pair("patch_embedding", "patch_embedding", ("lora_down", "lora_up"), 2, torch.tensor(3.0))
    pair("blocks.3.attn2.to_k", "blocks.3.cross_attn.k", ("lora_A.default", "lora_B.default"), 5, None)
    difference("blocks.1.ffn.net.2.weight", "blocks.1.ffn.2.diff")
    difference("blocks.1.ffn.net.2.bias", "blocks.1.ffn.2.diff_b")
    difference("blocks.0.norm2.weight", "blocks.0.norm3.diff")
    difference("blocks.0.norm2.bias", "blocks.0.norm3.diff_b")
    difference("blocks.2.attn1.norm_k.weight", "blocks.2.self_attn.norm_k.diff")
    difference("blocks.2.scale_shift_table", "blocks.2.diff_m")
    difference("scale_shift_table", "head.diff_m", (2, 32))
    difference("condition_embedder.time_embedder.linear_2.bias", "time_embedding.2.diff_b")
    difference("patch_embedding.bias", "patch_embedding.diff_b")
    goldens.save("wide", {prefix + key: tensor for key, tensor in tensors.items()})
    goldens.by_formula("wide", changes)


def attention_only(goldens: Goldens) -> None:
    """kohya's names for a few layers, some without alpha: diffusers wants all ten layers of every block."""
    tensors, changes = {}, {}
    for block, layer, alpha in ((2, "attn1.to_q", 1.0), (2, "attn1.to_out.0", None), (3, "attn2.to_v", 6.0)):
        down, up = goldens.matrices(f"blocks.{block}.{layer}", 4)
        path = f"lora_unet_blocks_{block}_{ORIGINAL[layer].replace('.', '_')}"
        tensors |= {f"{path}.lora_down.weight": down, f"{path}.lora_up.weight": up}
        if alpha is not None:
            tensors[f"{path}.alpha"] = torch.tensor(alpha)
        changes[f"blocks.{block}.{layer}.weight"] = low_rank(down, up, alpha)
    goldens.save("kohya-attention", tensors, {"ss_network_alpha": "3"})
    goldens.by_formula("kohya-attention", changes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("test/golden/models/wan"))
    parser.add_argument("--out", type=Path, default=Path("test/golden/lora"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    goldens = Goldens(args.base, args.out)
    own(
        goldens, "own-header", True, lora_alpha=8,
        rank_pattern={"attn2.to_v": 2, "^blocks.0.attn1.to_q": 3}, alpha_pattern={"proj_out": 1, "blocks.1.attn2.to_v": 3},
    )  # fmt: skip
    own(goldens, "own-rslora", True, lora_alpha=8, use_rslora=True, lora_bias=True)
    own(goldens, "own-no-header", False, lora_alpha=8)
    dotted = lambda block, layer: f"diffusion_model.blocks.{block}.{layer}"
    underscored = lambda block, layer: f"lora_unet_blocks_{block}_{layer.replace('.', '_')}"
    original = every_layer(
        goldens, dotted, "lora_A.weight", "lora_B.weight", torch.tensor(2.0, dtype=torch.bfloat16), torch.bfloat16, 1
    )
    goldens.save("original", original)
    goldens.by_diffusers("original", [("original", 1.0)])
    kohya = every_layer(goldens, underscored, "lora_down.weight", "lora_up.weight", torch.tensor(1.0), torch.float16, 2)
    goldens.save("kohya", kohya, {"ss_network_alpha": "3"})
    goldens.by_diffusers("kohya", [("kohya", 1.0)])
    goldens.by_diffusers("two", [("own-header", 1.0), ("original", 0.5)])
    goldens.by_diffusers("negative", [("kohya", -0.75), ("own-rslora", 1.25)])
    goldens.by_diffusers("off", [("own-header", 0.0)])
    wide(goldens)
    attention_only(goldens)
    save_file({k: v.contiguous() for k, v in goldens.results.items()}, args.out / "vectors.safetensors")
    (args.out / "cases.json").write_text(json.dumps({"base": args.base.name, "case": CASE, "cases": goldens.cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
