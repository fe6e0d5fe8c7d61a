"""Muon (Jordan et al. 2024) for matrices and AdamW for the rest, over a few single-threaded CPU processes.

On two busy cores one thread in each of two processes is faster than two threads in one. The processes hold equal
parameters: gradients are averaged, and each process orthogonalises its share of Muon's updates.
"""

from __future__ import annotations

from collections import defaultdict

import torch
import torch.distributed as dist
from torch import Tensor, nn


def average(tensors: list[Tensor]) -> None:
    """Replaces every tensor by its mean over the processes."""
    flat = torch.cat([t.reshape(-1) for t in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    offset = 0
    for t in tensors:
        t.copy_(flat[offset : offset + t.numel()].view_as(t))
        offset += t.numel()


def orthogonalise(stack: Tensor, iterations: int = 5) -> Tensor:
    """Orthogonalises [K, rows, columns], rows <= columns, by the quintic Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = stack.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.float()


class Muon:
    """Muon: momentum, orthogonalised per matrix. Parameters such as qkv stack several matrices along their rows."""

    def __init__(self, parameters: list[tuple[nn.Parameter, int]], lr: float, momentum: float = 0.95):
        self.base_lr, self.lr, self.momentum = lr, lr, momentum
        self.groups: dict[tuple[int, int], list[tuple[nn.Parameter, int]]] = defaultdict(list)
        for p, pieces in parameters:
            rows, columns = p.shape[0] // pieces, p[0].numel()
            self.groups[(rows, columns)].append((p, pieces))
        self.buffers = {p: torch.zeros_like(p) for p, _ in parameters}

    @torch.no_grad()
    def step(self) -> None:
        rank, world = dist.get_rank(), dist.get_world_size()
        updates: dict[tuple[int, int], Tensor] = {}
        for (rows, columns), members in self.groups.items():
            pieces = []
            for p, count in members:
                buffer = self.buffers[p].lerp_(p.grad, 1 - self.momentum)
                pieces.append(p.grad.lerp(buffer, self.momentum).reshape(count, rows, columns))
            stack = torch.cat(pieces)
            mine = torch.zeros_like(stack)
            if len(stack[rank::world]):
                flip = rows > columns
                part = stack[rank::world].transpose(1, 2) if flip else stack[rank::world]
                part = orthogonalise(part)
                mine[rank::world] = part.transpose(1, 2) if flip else part
            updates[(rows, columns)] = mine
        average(list(updates.values()))  # every entry is zero in all processes but one
        for (rows, columns), members in self.groups.items():
            update = updates[(rows, columns)] * (world * self.lr * max(1, rows / columns) ** 0.5)
            offset = 0
            for p, count in members:
                p.sub_(update[offset : offset + count].reshape(p.shape))
                offset += count

    def state(self) -> list[Tensor]:
        return list(self.buffers.values())


class Optimiser:
    """Muon and AdamW under one learning-rate factor, with an exponential moving average of the parameters.

    `is_matrix(name)` returns the number of matrices that a parameter stacks, 0 for AdamW. Parameters for which
    `is_delicate(name)` is true are trained by AdamW at a small constant rate.
    """

    def __init__(
        self, model: nn.Module, is_matrix, muon_lr: float, adam_lr: float, ema: float,
        is_delicate=lambda name: False, delicate_lr: float = 3e-4,
    ):
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        self.parameters = [p for _, p in named]
        delicate = [p for n, p in named if is_delicate(n)]
        matrices = [(p, is_matrix(n)) for n, p in named if p.dim() >= 2 and is_matrix(n) and not is_delicate(n)]
        chosen = {id(p) for p in delicate} | {id(p) for p, _ in matrices}
        self.muon = Muon(matrices, muon_lr)
        groups = [{"params": [p for _, p in named if id(p) not in chosen]}, {"params": delicate, "lr": delicate_lr}]
        self.adam = torch.optim.AdamW(groups, lr=adam_lr, betas=(0.9, 0.99), weight_decay=0.0)
        self.adam_lr, self.decay = adam_lr, ema
        self.average = [p.detach().clone() for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Updates the parameters with the learning rates times `factor`; gradients must be set."""
        for p in self.parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        average([p.grad for p in self.parameters])
        self.muon.lr = self.muon.base_lr * factor
        self.adam.param_groups[0]["lr"] = self.adam_lr * factor
        self.muon.step()
        self.adam.step()
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        torch._foreach_lerp_(self.average, [p.data for p in self.parameters], 1 - decay)
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def use_average(self) -> None:
        for p, mean in zip(self.parameters, self.average):
            p.copy_(mean)

    def state_dict(self) -> dict:
        return {"muon": self.muon.state(), "adam": self.adam.state_dict(), "average": self.average, "steps": self.steps}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        for mine, theirs in zip(self.muon.state(), state["muon"]):
            mine.copy_(theirs)
        self.adam.load_state_dict(state["adam"])
        self.average, self.steps = state["average"], state["steps"]
