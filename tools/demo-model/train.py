"""Trains the demo model and writes models/demo: tokenizer, autoencoder, text encoder and transformer.

    python -m venv .venv && .venv/bin/pip install -r tools/demo-model/requirements.txt
    .venv/bin/python tools/demo-model/train.py --out models/demo                        # from random weights
    .venv/bin/python tools/demo-model/train.py --out models/demo --start models/demo    # goes on from earlier weights

Runs on CPU in a few hours on two cores; every phase keeps checkpoints in --work, and a second call continues from them.
Seeded: data, order and initial weights depend on --seed alone, rounding on the machine.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "4294967296")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "4294967296")

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import T5Config, T5EncoderModel

import loss_curve
import scenes
from optim import Optimiser
from stdit3 import STDiT3

TOKENS = 32  # longest prompt, end token included
CAPTIONS = 4  # wordings drawn for each clip
VAE = dict(
    in_channels=3, out_channels=3, latent_channels=4, sample_size=scenes.SIZE, layers_per_block=1, norm_num_groups=8,
    block_out_channels=(16, 32, 64, 96), down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    scaling_factor=1.0,
)
TEXT = dict(
    d_model=128, d_kv=32, d_ff=256, num_heads=4, num_layers=3, relative_attention_num_buckets=32,
    relative_attention_max_distance=128, feed_forward_proj="gated-gelu", dropout_rate=0.0, tie_word_embeddings=False,
    pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
)
TRANSFORMER = dict(
    hidden_size=192, depth=6, num_heads=6, mlp_ratio=4.0, patch_size=[2, 2, 2], in_channels=4, pred_sigma=True,
    caption_channels=TEXT["d_model"], model_max_length=TOKENS, qk_norm=True, input_sq_size=scenes.SIZE,
)

SCHEDULER = {
    "_class_name": "RFlowScheduler", "num_train_timesteps": 1000, "use_timestep_transform": True,
    "base_resolution": scenes.SIZE**2, "base_num_frames": scenes.FRAMES, "transform_scale": 2.0,
}
INDEX = {
    "_class_name": "OpenSoraPipeline",
    "transformer": ["adareel", "STDiT3"], "text_encoder": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "T5Tokenizer"], "vae": ["diffusers", "AutoencoderKL"],
    "scheduler": ["adareel", "RFlowScheduler"],
    "video": {
        "sizes": [[scenes.SIZE, scenes.SIZE]], "frames": [scenes.FRAMES], "fps": [scenes.FPS], "steps": 30, "guidance_scale": 2.0,
        "vocabulary": "words",
    },
}


def log(message: str) -> None:
    if not dist.is_initialized() or dist.get_rank() == 0:
        print(time.strftime("%H:%M:%S"), message, flush=True)


# --- tokenizer ---


def make_tokenizer(path: Path, seed: int, start: str | None) -> Tokenizer:
    """Builds a Unigram tokenizer with T5's conventions: pad 0, end 1, unknown 2, words marked by a leading ▁, lower case.

    Every word of the captions is one piece, scored by its frequency; single characters spell out the rest. The pieces of an
    earlier model keep their ids, and words that it lacks follow them.
    """
    if path.exists():
        return Tokenizer.from_file(str(path))
    rng = np.random.default_rng([seed, 1])
    captions = (scenes.caption(rng, scenes.sample_scene(rng)) for _ in range(30000))
    words = Counter(word for text in captions for word in text.rstrip(".").split())
    total = sum(words.values())
    pieces = [("▁" + word, math.log(count / total)) for word, count in sorted(words.items(), key=lambda kv: (-kv[1], kv[0]))]
    characters = "▁abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-"
    spelled = [(c, pieces[-1][1] - 4.0) for c in characters]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, *spelled]
    if start:
        earlier = json.loads((Path(start) / "tokenizer" / "tokenizer.json").read_text())["model"]["vocab"]
        known = {piece for piece, _ in earlier}
        vocabulary = [*map(tuple, earlier), *((piece, score) for piece, score in vocabulary if piece not in known)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


def tokenise(tokenizer: Tokenizer, text: str) -> np.ndarray:
    ids = tokenizer.encode(text).ids
    assert len(ids) <= TOKENS and 2 not in ids, f"{len(ids)} tokens: {text}"
    return np.array(ids + [0] * (TOKENS - len(ids)), np.int16)


# --- autoencoder ---


def frames_batch(rng: np.random.Generator, count: int) -> Tensor:
    """Draws pictures [count, 3, SIZE, SIZE] in -1..1, each from a different scene."""
    pictures = [scenes.render(scenes.sample_scene(rng), rng.integers(scenes.FRAMES, size=1))[0] for _ in range(count)]
    return to_input(np.stack(pictures))


def to_input(rgb: np.ndarray) -> Tensor:
    return torch.from_numpy(rgb).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last).float() / 127.5 - 1


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def is_conv_matrix(name: str) -> int:
    last = name.rsplit(".", 2)[-2]
    return 1 if name.endswith("weight") and ("conv" in last or last.startswith("to_")) and "quant" not in name else 0


def train_vae(args: argparse.Namespace, work: Path) -> AutoencoderKL:
    """Trains on L1 + 2 MSE + 0.5 edges + 2e-4 KL, then folds the latent's statistics into the 1x1 convolutions."""
    torch.manual_seed(args.seed)
    if args.start:
        return AutoencoderKL.from_pretrained(Path(args.start) / "vae", torch_dtype=torch.float32).to(memory_format=torch.channels_last)
    vae = AutoencoderKL(**VAE).to(memory_format=torch.channels_last)
    done = work / "vae.pt"
    if done.exists():
        vae.load_state_dict(torch.load(done))
        return vae
    rank = dist.get_rank()
    rng = np.random.default_rng([args.seed, 2, rank])
    optimiser = Optimiser(vae, is_conv_matrix, muon_lr=0.02, adam_lr=2e-3, ema=0.995)
    curve, started = [], time.time()
    for step in range(args.vae_steps):
        x = frames_batch(rng, args.vae_batch)
        latent = vae.encode(x).latent_dist
        out = vae.decode(latent.sample()).sample
        loss = F.l1_loss(out, x) + 2 * F.mse_loss(out, x) + 2e-4 * latent.kl().mean() / 16
        loss = loss + 0.5 * sum(F.l1_loss(a, b) for a, b in zip(edges(out), edges(x)))
        loss.backward()
        optimiser.step(min(1.0, (step + 1) / 20, 1.6 * (1 - step / args.vae_steps) + 0.02))
        curve.append(loss.item())
        if step % 50 == 49:
            log(f"vae {step + 1}/{args.vae_steps} loss {np.mean(curve[-50:]):.4f} {(time.time() - started) / (step + 1):.2f} s/step")
    optimiser.use_average()
    with torch.no_grad():
        rng = np.random.default_rng([args.seed, 3])
        x = torch.cat([frames_batch(rng, 64) for _ in range(8)])
        latent = torch.cat([vae.encode(part).latent_dist.mode() for part in x.split(64)])
        mean, deviation = latent.mean((0, 2, 3)), latent.std((0, 2, 3))
        fold_statistics(vae, mean, deviation)
        out = torch.cat([vae.decode(vae.encode(part).latent_dist.mode()).sample.clamp(-1, 1) for part in x.split(64)])
        psnr = -10 * torch.log10(((out - x) / 2).square().mean((1, 2, 3))).mean().item()
        log(f"vae reconstruction {psnr:.2f} dB, latent deviation {deviation.tolist()}")
    if rank == 0:
        torch.save(vae.state_dict(), done)
        summary = {"seconds": time.time() - started, "psnr": psnr, "loss": [round(v, 5) for v in curve]}
        (work / "vae.json").write_text(json.dumps(summary))
    dist.barrier()
    return vae


def fold_statistics(vae: AutoencoderKL, mean: Tensor, deviation: Tensor) -> None:
    """Normalises every latent channel to zero mean and unit variance in the weights, so that no extra file is needed."""
    n = len(mean)
    encode, decode = vae.quant_conv, vae.post_quant_conv
    encode.weight[:n] /= deviation[:, None, None, None]
    encode.bias[:n] = (encode.bias[:n] - mean) / deviation
    encode.bias[n:] -= 2 * deviation.log()
    decode.bias += decode.weight[:, :, 0, 0] @ mean
    decode.weight *= deviation[None, :, None, None]


# --- clips ---


def make_clips(args: argparse.Namespace, work: Path, vae: AutoencoderKL, tokenizer: Tokenizer) -> dict[str, Tensor]:
    """Makes latents [K, 4, F, 8, 8], object weights [K, F, 8, 8], caption ids [K, CAPTIONS, TOKENS]; cached in `work`."""
    rank, world = dist.get_rank(), dist.get_world_size()
    path = work / f"clips-{rank}-of-{world}.pt"
    if not path.exists():
        started = time.time()
        rng = np.random.default_rng([args.seed, 4, rank])
        latents, weights, ids = [], [], []
        while len(latents) < args.clips // world:
            scene = scenes.sample_scene(rng)
            if scene.held_out():
                continue
            with torch.no_grad():
                latent = vae.encode(to_input(scenes.render(scene))).latent_dist.mode()
            latents.append(latent.transpose(0, 1).half())
            weights.append(torch.from_numpy(scenes.object_weight(scene)).half())
            ids.append(np.stack([tokenise(tokenizer, scenes.caption(rng, scene)) for _ in range(CAPTIONS)]))
            if len(latents) % 2000 == 0:
                log(f"clips {len(latents) * world}/{args.clips}")
        clips = {"latents": torch.stack(latents), "weights": torch.stack(weights), "ids": torch.from_numpy(np.stack(ids))}
        torch.save(clips, path)
        log(f"clips done in {time.time() - started:.0f} s")
    dist.barrier()
    parts = [torch.load(work / f"clips-{r}-of-{world}.pt", mmap=True) for r in range(world)]
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


# --- transformer and text encoder ---


class TextToLatent(nn.Module):
    def __init__(self, vocabulary: int):
        super().__init__()
        self.text_encoder = T5EncoderModel(T5Config(vocab_size=vocabulary, **TEXT))
        self.transformer = STDiT3(TRANSFORMER)


def load_start(model: TextToLatent, folder: Path, tokenizer: Tokenizer) -> None:
    """Loads the weights of an earlier model. Words that its tokenizer lacks keep their random embeddings."""
    model.transformer.load_state_dict(load_file(folder / "transformer" / "model.safetensors"))
    text = load_file(folder / "text_encoder" / "model.safetensors")
    old = text.pop("shared.weight").float()
    model.text_encoder.load_state_dict(text, strict=False)
    earlier = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json")).get_vocab()
    with torch.no_grad():
        shared = model.text_encoder.shared.weight
        shared.mul_(old.std() / shared.std())
        for piece, row in tokenizer.get_vocab().items():
            if piece in earlier:
                shared[row] = old[earlier[piece]]


def is_block_matrix(name: str) -> int:
    """Number of matrices that a parameter stacks along its rows; 0 for parameters trained by AdamW."""
    if not name.endswith("weight") or "embed" in name or "relative_attention_bias" in name or "final_layer" in name:
        return 0
    if "norm" in name or "t_block" in name:
        return 0
    return {"qkv": 3, "kv_linear": 2}.get(name.rsplit(".", 2)[-2], 1)


def is_delicate(name: str) -> bool:
    """Queries and keys whose scores are not normalised: Muon saturates their softmax within some hundred steps.

    T5 attends without dividing by sqrt(d), and STDiT3 has qk-norm in self-attention only. When saturated,
    every token attends to a single one, and the model confuses the colours of object and background.
    """
    return name.endswith(("SelfAttention.q.weight", "SelfAttention.k.weight", "cross_attn.q_linear.weight"))


def draw_timesteps(generator: torch.Generator, count: int) -> Tensor:
    """Draws timesteps in 0..1, where 1 is noise: sigmoid(N(0.6, 1)) for 55 %, uniform for 20 %, and 0.93..1 for 25 %.

    Directions are decided at high noise, and the colour of the background at the highest: the mean of a latent is
    visible through 97 % of noise, so only above that does the model depend on the caption for it.
    """
    t = torch.sigmoid(torch.randn(count, generator=generator) + 0.6)
    kind, place = torch.rand(2, count, generator=generator)
    t = torch.where(kind < 0.20, place, t)
    return torch.where(kind >= 0.75, 1 - 0.07 * place.square(), t)


def train_transformer(args: argparse.Namespace, work: Path, clips: dict[str, Tensor], tokenizer: Tokenizer) -> TextToLatent:
    """Trains a rectified flow, v = x0 - noise, with one caption in ten replaced by the learned null caption."""
    torch.manual_seed(args.seed + 1)
    model = TextToLatent(tokenizer.get_vocab_size())
    if args.start:
        load_start(model, Path(args.start), tokenizer)
    optimiser = Optimiser(model, is_block_matrix, muon_lr=args.muon_lr, adam_lr=2e-3, ema=0.998, is_delicate=is_delicate)
    checkpoint, start, curve, seconds = work / "transformer.pt", 0, [], 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        start, curve, seconds = state["step"], state["curve"], state["seconds"]
        log(f"transformer goes on from step {start}")
    transformer = torch.compile(model.transformer) if args.compile else model.transformer
    rank, batch = dist.get_rank(), args.batch
    began = saved = time.time()
    for step in range(start, start if args.export else args.steps):
        generator = torch.Generator().manual_seed(args.seed * 1_000_003 + step * 17 + rank)
        rows = torch.randint(len(clips["latents"]), (batch,), generator=generator)
        x0 = clips["latents"][rows].float()
        weight = 1 + 5 * clips["weights"][rows].float()[:, None]
        weight = weight / weight.mean(dim=(1, 2, 3, 4), keepdim=True)
        ids = clips["ids"][rows, torch.randint(CAPTIONS, (batch,), generator=generator)].long()
        mask = ids != 0
        t = draw_timesteps(generator, batch)
        noise = torch.randn(x0.shape, generator=generator)
        z = torch.lerp(x0, noise, t[:, None, None, None, None])
        dropped = torch.rand(batch, generator=generator) < 0.1
        with torch.autocast("cpu", torch.bfloat16):
            text = model.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            text = torch.where(dropped[:, None, None], model.transformer.y_embedder.y_embedding, text)
            v = transformer(z, t * 1000, torch.full((batch,), float(scenes.FPS)), text, mask, (scenes.SIZE, scenes.SIZE))
        loss = (weight * (v - (x0 - noise)).square()).mean()
        loss.backward()
        optimiser.step(min(1.0, (step + 1) / 100, 1.5 * (1 - step / args.steps) + 0.01))
        curve.append(loss.item())
        if rank == 0 and step % 50 == 49:
            log(f"transformer {step + 1}/{args.steps} loss {np.mean(curve[-50:]):.4f} {(time.time() - began) / (step + 1 - start):.2f} s/step")
        if rank == 0 and (time.time() - saved > 240 or step + 1 == args.steps):
            saved = time.time()
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1, "curve": curve}
            state["seconds"] = seconds + saved - began
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
    dist.barrier()
    optimiser.use_average()
    return model


# --- the folder ---


def half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().half().contiguous() for name, t in tensors.items()}


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")


def export(args: argparse.Namespace, work: Path, vae: AutoencoderKL, model: TextToLatent, tokenizer: Tokenizer) -> None:
    """Writes models/demo in the Hugging Face layout, with weights in fp16."""
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    vae.half().to(memory_format=torch.contiguous_format).save_pretrained(out / "vae")
    config = json.loads((out / "vae" / "config.json").read_text())
    config.pop("_name_or_path", None)
    write_json(out / "vae" / "config.json", config)

    text = {n: t for n, t in model.text_encoder.state_dict().items() if n != "encoder.embed_tokens.weight"}
    write_json(
        out / "text_encoder" / "config.json",
        {"architectures": ["T5EncoderModel"], "model_type": "t5", "vocab_size": tokenizer.get_vocab_size(),
         "layer_norm_epsilon": 1e-6, **TEXT},
    )
    save_file(half(text), out / "text_encoder" / "model.safetensors", {"format": "pt"})

    write_json(out / "transformer" / "config.json", {"architectures": ["STDiT3"], "model_type": "STDiT3", **TRANSFORMER})
    save_file(half(model.transformer.state_dict()), out / "transformer" / "model.safetensors", {"format": "pt"})

    write_json(
        out / "tokenizer" / "tokenizer_config.json",
        {"tokenizer_class": "T5Tokenizer", "model_max_length": TOKENS, "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
    )
    tokenizer.save(str(out / "tokenizer" / "tokenizer.json"))
    write_json(out / "scheduler" / "scheduler_config.json", SCHEDULER)
    write_json(out / "model_index.json", INDEX)
    state = torch.load(work / "transformer.pt")
    if args.start:
        rows, curves = (Path(args.start) / "training.csv").read_text().splitlines(), {"continued": state["curve"]}
    else:
        vae_log = json.loads((work / "vae.json").read_text())
        log(f"vae {vae_log['seconds']:.0f} s, {vae_log['psnr']:.2f} dB")
        rows, curves = ["phase,step,loss"], {"vae": vae_log["loss"], "transformer": state["curve"]}
    for phase, curve in curves.items():
        rows += [f"{phase},{i + 25},{np.mean(curve[i : i + 50]):.4f}" for i in range(0, len(curve) - 49, 50)]
    (out / "training.csv").write_text("\n".join(rows) + "\n")
    loss_curve.draw(out)
    log(f"transformer {state['step']} steps, {state['seconds']:.0f} s")


def worker(rank: int, args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
    dist.init_process_group("gloo", rank=rank, world_size=args.processes)
    work = Path(args.work)
    tokenizer = make_tokenizer(work / "tokenizer.json", args.seed, args.start) if rank == 0 else None
    dist.barrier()
    tokenizer = tokenizer or Tokenizer.from_file(str(work / "tokenizer.json"))
    vae = train_vae(args, work)
    clips = {} if args.export else make_clips(args, work, vae, tokenizer)
    model = train_transformer(args, work, clips, tokenizer)
    if rank == 0:
        export(args, work, vae, model, tokenizer)
    dist.barrier()
    dist.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="models/demo", help="folder to write")
    parser.add_argument("--work", default="out/demo-model", help="folder for checkpoints and clips")
    parser.add_argument("--start", help="folder of an earlier model to go on from; its autoencoder is kept")
    parser.add_argument("--export", action="store_true", help="write the model of the last checkpoint and stop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--port", type=int, default=29611)
    parser.add_argument("--vae-steps", type=int, default=1300)
    parser.add_argument("--vae-batch", type=int, default=32, help="frames a process and step")
    parser.add_argument("--clips", type=int, default=16000)
    parser.add_argument("--steps", type=int, default=4700, help="transformer steps")
    parser.add_argument("--batch", type=int, default=24, help="clips a process and step")
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    Path(args.work).mkdir(parents=True, exist_ok=True)
    mp.spawn(worker, args=(args,), nprocs=args.processes)


if __name__ == "__main__":
    main()
