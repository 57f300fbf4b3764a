"""One model shared among processes (FSDP2, arXiv 2304.11277), and its tensors put back together."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from codec.training import parallel

from ..model.language_model import LanguageModel
from .objective import Objective


def shard(objective: Objective, model: LanguageModel, device: torch.device, short: bool = False) -> None:
    """Share the weights of an objective's model, its gradients and its optimizer among the processes, in place.

    A layer of the temporal transformer is whole only while it works; all else is while the objective works. `short`
    sends layers in bfloat16, in which they work; what is kept, and gradients on their way, stay float32.
    Raises ValueError in a process that is alone, and for a torch that cannot write checkpoints of shares.
    """
    if parallel.world_size() < 2:
        raise ValueError("sharing a model needs several processes: start them with torchrun --nproc_per_node N")
    from torch.distributed import checkpoint
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    if not hasattr(checkpoint, "HuggingFaceStorageWriter"):
        raise ValueError(f"--sharded needs torch 2.9 or newer, this is {torch.__version__}: pip install -U torch")
    mesh = init_device_mesh(device.type, (parallel.world_size(),))
    policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False) if short else None
    for layer in model.temporal.layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy or MixedPrecisionPolicy())
    fully_shard(objective, mesh=mesh)


def whole(tensor: Tensor) -> Tensor:
    """A tensor put together from its shards; every process must ask for it. Other tensors stay."""
    full = getattr(tensor, "full_tensor", None)
    return tensor if full is None else full()


def like(tensor: Tensor, shared: Tensor) -> Tensor:
    """A whole tensor shared out as `shared` is, or itself."""
    placements = getattr(shared, "placements", None)
    if placements is None or hasattr(tensor, "placements"):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(shared, DTensor)
    return distribute_tensor(tensor.to(shared.device), shared.device_mesh, placements)


def slots_like(tensors: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Optimizer slots by `optimizer.name|slot`, those as large as their parameter shared out as it is."""
    shared = {}
    for key, tensor in tensors.items():
        parameter = parameters.get(key.removeprefix("optimizer.").split("|")[0])
        fits = parameter is not None and parameter.shape == tensor.shape
        shared[key] = like(tensor, parameter) if fits and parameter is not None else tensor
    return shared


def hollow(model: LanguageModel) -> LanguageModel:
    """A copy without values, for `fill`."""
    empty = {id(p): nn.Parameter(torch.empty_like(p, device="meta"), p.requires_grad) for p in model.parameters()}
    return copy.deepcopy(model, dict(empty))


def fill(blank: LanguageModel, model: LanguageModel) -> LanguageModel:
    """Give `blank` the values of a shared model, whole, on the CPU of the first process; every one must ask for it."""
    values = {name: part for name, tensor in model.state_dict().items() if (part := _to_first(tensor)) is not None}
    if values:
        blank.load_state_dict(values, assign=True)
    return blank


def _to_first(tensor: Tensor) -> Tensor | None:
    """A tensor put together, kept by the first process only."""
    full = whole(tensor)
    return full.cpu() if parallel.rank() == 0 else None
