"""The authors' STDiT3, imported from a checkout of github.com/hpcaitech/Open-Sora.

Their module needs xformers, colossalai, mmengine and a distributed run-time only to be imported. The stand-ins
below are the smallest that let it run on a CPU; the only stand-in that computes is the block-diagonal attention, which is
PyTorch's scaled_dot_product_attention on each segment.
"""

import sys
import types
from pathlib import Path

import torch
import torch.nn.functional as F


class _BlockDiagonalMask:
    def __init__(self, query_lengths, key_lengths):
        self.query_lengths, self.key_lengths = list(query_lengths), list(key_lengths)

    @classmethod
    def from_seqlens(cls, query_lengths, key_lengths):
        return cls(query_lengths, key_lengths)


def _memory_efficient_attention(q, k, v, p=0.0, attn_bias=None):
    """Attention with q, k, v [1, N, heads, head width]; the segments of the batch follow each other along N."""
    assert p == 0.0 and attn_bias is not None and q.shape[0] == 1
    out, i, j = [], 0, 0
    for n, m in zip(attn_bias.query_lengths, attn_bias.key_lengths, strict=True):
        segment = [t.transpose(1, 2) for t in (q[:, i : i + n], k[:, j : j + m], v[:, j : j + m])]
        out.append(F.scaled_dot_product_attention(*segment).transpose(1, 2))
        i, j = i + n, j + m
    assert i == q.shape[1] and j == k.shape[1]
    return torch.cat(out, dim=1)


def _module(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


def _unavailable(*_args, **_kwargs):
    raise RuntimeError("not part of the reference run")


class _Registry:
    def register_module(self, _name):
        return lambda member: member


def load(checkout: Path):
    """Returns (STDiT3, STDiT3Config) from the checkout."""
    fmha = _module("xformers.ops.fmha", BlockDiagonalMask=_BlockDiagonalMask)
    ops = _module("xformers.ops", fmha=fmha, memory_efficient_attention=_memory_efficient_attention)
    _module("xformers", ops=ops)
    from timm.layers import DropPath

    _module("timm.models.layers", DropPath=DropPath)
    _module("opensora.acceleration.checkpoint", auto_grad_checkpoint=lambda block, *args: block(*args))
    _module("opensora.registry", MODELS=_Registry())
    _module("opensora.utils.ckpt_utils", load_checkpoint=_unavailable)
    for name in ("opensora", "opensora.models", "opensora.models.layers", "opensora.models.stdit"):
        _module(name).__path__ = [str(checkout.joinpath(*name.split(".")))]
    for name in ("opensora.acceleration", "opensora.utils"):
        _module(name).__path__ = [str(checkout.joinpath(*name.split(".")))]
    from opensora.models.stdit.stdit3 import STDiT3, STDiT3Config

    return STDiT3, STDiT3Config
