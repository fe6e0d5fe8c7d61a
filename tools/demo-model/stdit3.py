"""STDiT3, the transformer of Open-Sora 1.2, in the sizes the demo model uses.

Parameter names are those of the `hpcai-tech/OpenSora-STDiT-v3` checkpoint, so that one reader serves both.
Shapes: B videos, F token frames, S tokens per frame, N = F * S, D width, L caption tokens.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sinusoid(values: Tensor, width: int = 256) -> Tensor:
    """Sinusoidal embedding [B] -> [B, width], cosines first; frequencies 1 .. 1/10000."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half, dtype=torch.float32) * (-math.log(10000.0) / half))
    angles = values.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def position_table(height: int, width: int, dim: int, scale: float) -> Tensor:
    """Position table [height * width, dim]: sine and cosine of the column in the first half, of the row in the second."""
    base = round(math.sqrt(height * width))
    omega = 10000.0 ** (-torch.arange(0, dim // 2, 2).float() / (dim // 2))

    def axis(n: int) -> Tensor:
        angles = torch.outer(torch.arange(n).float() / scale * (base / n), omega)
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    rows = axis(height)[:, None].expand(height, width, dim // 2)
    columns = axis(width)[None].expand(height, width, dim // 2)
    return torch.cat([columns, rows], dim=2).reshape(height * width, dim)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding on interleaved pairs; x [..., F, head_dim], cos and sin [F, head_dim / 2]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax attention over [B, heads, N, head_dim]; mask [B, L] is true for keys that are not padding.

    Written out because the fused CPU kernel's backward pass takes half of a training step at these lengths.
    """
    scores = (q * q.shape[-1] ** -0.5).to(v.dtype) @ k.to(v.dtype).transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None, :], -1e4)
    return scores.softmax(dim=-1).to(v.dtype) @ v


def mlp(inner: int, hidden: int, outer: int) -> nn.Module:
    return nn.ModuleDict({"fc1": nn.Linear(inner, hidden), "fc2": nn.Linear(hidden, outer)})


def run_mlp(layers: nn.Module, x: Tensor) -> Tensor:
    return layers["fc2"](F.gelu(layers["fc1"](x), approximate="tanh"))


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.q_norm = nn.RMSNorm(dim // heads, eps=1e-6)
        self.k_norm = nn.RMSNorm(dim // heads, eps=1e-6)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None) -> Tensor:
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q), self.k_norm(k)
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        return self.proj(attend(q, k, v).transpose(1, 2).reshape(b, n, d))


class CrossAttention(nn.Module):
    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_linear = nn.Linear(dim, dim)
        self.kv_linear = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        b, n, d = x.shape
        q = self.q_linear(x).view(b, n, self.heads, -1).transpose(1, 2)
        k, v = self.kv_linear(text).view(b, text.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.proj(attend(q, k, v, mask).transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, dim: int, heads: int, temporal: bool):
        super().__init__()
        self.temporal = temporal
        self.attn = Attention(dim, heads)
        self.cross_attn = CrossAttention(dim, heads)
        self.mlp = mlp(dim, 4 * dim, dim)
        self.scale_shift_table = nn.Parameter(torch.randn(6, dim) / dim**0.5)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor, t: Tensor, frames: int, rope) -> Tensor:
        b, n, d = x.shape
        shift1, scale1, gate1, shift2, scale2, gate2 = (self.scale_shift_table + t.view(b, 6, d)).chunk(6, dim=1)
        h = F.layer_norm(x, (d,), eps=1e-6) * (1 + scale1) + shift1
        if self.temporal:
            h = h.view(b, frames, n // frames, d).transpose(1, 2).reshape(-1, frames, d)
            h = self.attn(h, rope).view(b, n // frames, frames, d).transpose(1, 2).reshape(b, n, d)
        else:
            h = self.attn(h.view(b * frames, n // frames, d), None).view(b, n, d)
        x = x + gate1 * h
        x = x + self.cross_attn(x, text, mask)
        return x + gate2 * run_mlp(self.mlp, F.layer_norm(x, (d,), eps=1e-6) * (1 + scale2) + shift2)


class FinalLayer(nn.Module):
    def __init__(self, dim: int, outputs: int):
        super().__init__()
        self.linear = nn.Linear(dim, outputs)
        self.scale_shift_table = nn.Parameter(torch.randn(2, dim) / dim**0.5)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        shift, scale = (self.scale_shift_table + e[:, None]).chunk(2, dim=1)
        return self.linear(F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift)


class SinusoidEmbedder(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, values: Tensor) -> Tensor:
        return self.mlp(sinusoid(values))


class CaptionEmbedder(nn.Module):
    def __init__(self, channels: int, dim: int, tokens: int):
        super().__init__()
        self.y_proj = mlp(channels, dim, dim)
        self.y_embedding = nn.Parameter(torch.randn(tokens, channels) / channels**0.5)


class STDiT3(nn.Module):
    """Velocity of a rectified flow, from a noisy latent, a timestep in 0..1000 and a caption."""

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        dim, heads = config["hidden_size"], config["num_heads"]
        self.patch = tuple(config["patch_size"])
        self.channels = config["in_channels"]
        out = self.channels * (2 if config["pred_sigma"] else 1)
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv3d(self.channels, dim, self.patch, self.patch)})
        self.t_embedder = SinusoidEmbedder(dim)
        self.fps_embedder = SinusoidEmbedder(dim)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.y_embedder = CaptionEmbedder(config["caption_channels"], dim, config["model_max_length"])
        self.spatial_blocks = nn.ModuleList(Block(dim, heads, False) for _ in range(config["depth"]))
        self.temporal_blocks = nn.ModuleList(Block(dim, heads, True) for _ in range(config["depth"]))
        self.final_layer = FinalLayer(dim, math.prod(self.patch) * out)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        # Residual branches start small, not at zero: at zero, the layers before them get no gradient in the first steps.
        for block in [*self.spatial_blocks, *self.temporal_blocks]:
            for last in (block.attn.proj, block.cross_attn.proj, block.mlp["fc2"]):
                nn.init.normal_(last.weight, std=0.02)
        nn.init.zeros_(self.final_layer.linear.weight)

    def forward(self, z: Tensor, timestep: Tensor, fps: Tensor, text: Tensor, mask: Tensor, pixels: tuple[int, int]):
        """Velocity of z [B, C, F, H, W], for timestep and fps [B], text [B, L, channels], mask [B, L] bool."""
        b, c, frames, height, width = z.shape
        pf, ph, pw = self.patch
        f, h, w = frames // pf, height // ph, width // pw
        x = self.x_embedder["proj"](z).flatten(2).transpose(1, 2)
        d = x.shape[-1]
        scale = math.sqrt(pixels[0] * pixels[1]) / self.config["input_sq_size"]
        x = x + position_table(h, w, d, scale).repeat(f, 1)
        e = self.t_embedder(timestep) + self.fps_embedder(fps)
        t = self.t_block(e)
        text = run_mlp(self.y_embedder.y_proj, text)
        head = d // self.config["num_heads"]
        angles = torch.outer(torch.arange(f).float(), 10000.0 ** (-torch.arange(0, head, 2).float() / head))
        rope = (angles.cos(), angles.sin())
        for spatial, temporal in zip(self.spatial_blocks, self.temporal_blocks):
            x = spatial(x, text, mask, t, f, None)
            x = temporal(x, text, mask, t, f, rope)
        x = self.final_layer(x, e)
        x = x.view(b, f, h, w, pf, ph, pw, -1).permute(0, 7, 1, 4, 2, 5, 3, 6)
        return x.reshape(b, -1, frames, height, width)[:, : self.channels].float()
