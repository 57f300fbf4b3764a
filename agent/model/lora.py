"""Low-rank adapters (LoRA, arXiv 2106.09685) under moshi-finetune's names: `frozen_W`, `lora_A`, `lora_B`."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .quantized import Int8Linear


class LoraLinear(nn.Module):
    """y = W x + scaling * B A x, with W frozen; a fresh adapter changes nothing."""

    frozen_W: nn.Linear  # noqa: N815 (the name in the files)
    lora_A: nn.Linear  # noqa: N815 (the name in the files)
    lora_B: nn.Linear  # noqa: N815 (the name in the files)
    scaling: float

    def __init__(self, base: nn.Linear, rank: int, scaling: float) -> None:
        super().__init__()
        if base.bias is not None:
            raise ValueError("low-rank adapters are for layers without a bias")
        device, dtype = base.weight.device, base.weight.dtype
        self.frozen_W = base.requires_grad_(False)
        self.lora_A = nn.Linear(base.in_features, rank, bias=False, device=device, dtype=dtype)
        self.lora_B = nn.Linear(rank, base.out_features, bias=False, device=device, dtype=dtype)
        self.scaling = scaling
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., inputs]` -> `[..., outputs]`."""
        y: Tensor = self.frozen_W(x) + self.lora_B(self.lora_A(x)) * self.scaling
        return y

    def merged(self) -> nn.Linear:
        """One linear layer that computes the same."""
        layer = nn.Linear(self.frozen_W.in_features, self.frozen_W.out_features, bias=False, device="meta")
        weight = self.frozen_W.weight + self.scaling * (self.lora_B.weight @ self.lora_A.weight)
        layer.weight = nn.Parameter(weight.detach(), requires_grad=False)
        return layer


def add_adapters(module: nn.Module, rank: int, scaling: float = 2.0) -> None:
    """Put an adapter on every linear layer inside `module`, in place; everything else is frozen."""
    if rank < 1:
        raise ValueError(f"lora_rank must be at least 1, got {rank}")
    if any(isinstance(each, Int8Linear) for each in module.modules()):
        raise ValueError("low-rank adapters need a model with float weights, this one has 8-bit weights")
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    _replace(module, lambda child: LoraLinear(child, rank, scaling))


def merge_adapters(module: nn.Module) -> None:
    """Fold every adapter inside `module` into its layer, in place."""
    for name, child in module.named_children():
        if isinstance(child, LoraLinear):
            setattr(module, name, child.merged())
        else:
            merge_adapters(child)


def _replace(module: nn.Module, make: Callable[[nn.Linear], nn.Module]) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, make(child))
        else:
            _replace(child, make)


def adapter_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Only the adapters of a state dictionary: what moshi-finetune calls `lora.safetensors`."""
    return {name: tensor for name, tensor in tensors.items() if ".lora_A." in name or ".lora_B." in name}
