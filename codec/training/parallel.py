"""Data-parallel training over processes started by torchrun: who am I, sum and copy across processes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    """This process's number, 0 when alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """Number of processes, 1 when alone."""
    return dist.get_world_size() if dist.is_initialized() else 1


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Join the group that torchrun describes, if any; yields the device of this process."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def sum_over_processes(tensors: Iterable[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in one message."""
    group = list(tensors)
    if world_size() < 2 or not group:
        return
    flat = torch.cat([tensor.flatten() for tensor in group])
    dist.all_reduce(flat)
    for tensor, part in zip(group, torch.split(flat, [tensor.numel() for tensor in group]), strict=True):
        tensor.copy_(part.view_as(tensor))


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Sum gradients over all processes; a missing gradient counts as zero."""
    if world_size() < 2:
        return
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    sum_over_processes(gradients)


def wait() -> None:
    """Go on when all processes are here."""
    if world_size() > 1:
        dist.barrier()


def message_device() -> torch.device | None:
    """Where tensors lie that processes send each other; None where it does not matter."""
    nccl = dist.is_initialized() and dist.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if nccl else None


def anywhere(flag: bool) -> bool:
    """Whether a flag is up in any process."""
    if world_size() < 2:
        return flag
    total = torch.tensor([float(flag)], device=message_device())
    sum_over_processes([total])
    return bool(total > 0)


def copy_from_first(tensors: Iterable[Tensor]) -> None:
    """Overwrite each tensor by process 0's."""
    if world_size() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, 0)
