"""Mimi's tensors in foreign layouts: Kyutai's native file and Hugging Face's `MimiModel` file.

A layout is a list of `Link`s, one per tensor of ours: their names, and how to read and write the values. Ours keeps a
convolution as the matrix of one product: `[out, kernel * in]`, transposed ones `[kernel * out, in]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .config import CodecConfig, SeanetConfig

Layout = Literal["kyutai", "huggingface", "own"]


@dataclass(frozen=True)
class Link:
    """One tensor of ours and the tensors of a foreign layout that hold it."""

    ours: str
    theirs: tuple[str, ...]
    read: Callable[..., Tensor]
    write: Callable[[Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Names:
    """How a foreign layout calls the parts of Mimi."""

    conv: str
    pointwise: str
    transposed: str
    layers: str
    transformer: str
    attention_out: str
    norms: tuple[str, str]
    scales: tuple[str, str]
    feedforward: tuple[str, str]
    downsample: str
    upsample: str
    quantizers: tuple[str, str]
    codebook: str
    embedding_sum: str
    initialized: str


KYUTAI = Names(
    conv="{}.conv.conv",
    pointwise="{}.conv.conv",
    transposed="{}.convtr.convtr",
    layers="{}.model",
    transformer="{}_transformer.transformer.layers.{}",
    attention_out="self_attn.out_proj",
    norms=("norm1", "norm2"),
    scales=("layer_scale_1", "layer_scale_2"),
    feedforward=("linear1", "linear2"),
    downsample="downsample.conv.conv.conv",
    upsample="upsample.convtr.convtr.convtr",
    quantizers=("quantizer.rvq_first", "quantizer.rvq_rest"),
    codebook="{}.vq.layers.{}._codebook",
    embedding_sum="embedding_sum",
    initialized="_initialized",
)
HUGGINGFACE = Names(
    conv="{}.conv",
    pointwise="{}.conv",
    transposed="{}.conv",
    layers="{}.layers",
    transformer="{}_transformer.layers.{}",
    attention_out="self_attn.o_proj",
    norms=("input_layernorm", "post_attention_layernorm"),
    scales=("self_attn_layer_scale", "mlp_layer_scale"),
    feedforward=("mlp.fc1", "mlp.fc2"),
    downsample="downsample.conv",
    upsample="upsample.conv",
    quantizers=(
        "quantizer.semantic_residual_vector_quantizer",
        "quantizer.acoustic_residual_vector_quantizer",
    ),
    codebook="{}.layers.{}.codebook",
    embedding_sum="embed_sum",
    initialized="initialized",
)
ALIASES = (  # older or newer spellings found in the wild -> the ones above
    (r"\.in_projs\.0\.weight$", ".in_proj_weight"),
    (r"\.out_projs\.0\.weight$", ".out_proj.weight"),
    (r"(_codebook|codebook)\.cluster_size$", r"\1.cluster_usage"),
    (r"_codebook\.(embed_avg|embed_sum)$", "_codebook.embedding_sum"),
    (r"_codebook\.inited$", "_codebook._initialized"),
    (r"^encoder\.encoder_seanet\.", "encoder."),
    (r"^decoder\.decoder_seanet\.", "decoder."),
    (r"^(encoder|decoder)\.(encoder_transformer|decoder_transformer|downsample|upsample)\.", r"\2."),
)


def _same(ours: str, theirs: str) -> Link:
    return Link(ours, (theirs,), lambda x: x, lambda x: (x,))


def _conv(ours: str, theirs: str, kernel: int, bias: bool = True) -> Iterator[Link]:
    """`[out, in, kernel]` <-> `[out, kernel * in]`."""
    yield Link(
        f"{ours}.weight",
        (f"{theirs}.weight",),
        lambda x: x.transpose(1, 2).flatten(1),
        lambda x: (torch.unflatten(x, 1, (kernel, -1)).transpose(1, 2),),
    )
    if bias:
        yield _same(f"{ours}.bias", f"{theirs}.bias")


def _transposed(ours: str, theirs: str, kernel: int) -> Iterator[Link]:
    """`[in, out, kernel]` <-> `[kernel * out, in]`."""
    yield Link(
        f"{ours}.linear.weight",
        (f"{theirs}.weight",),
        lambda x: x.permute(2, 1, 0).flatten(0, 1),
        lambda x: (torch.unflatten(x, 0, (kernel, -1)).permute(2, 1, 0),),
    )
    yield _same(f"{ours}.bias", f"{theirs}.bias")


def _residual(ours: str, theirs: str, names: Names, kernel: int) -> Iterator[Link]:
    yield from _conv(f"{ours}.conv.linear", names.conv.format(f"{theirs}.block.1"), kernel)
    yield from _conv(f"{ours}.linear", names.pointwise.format(f"{theirs}.block.3"), 1)


def _body(body: SeanetConfig, names: Names) -> Iterator[Link]:
    """Both convolutional stacks; the numbers are places in Kyutai's `nn.Sequential`."""
    count = len(body.ratios)
    for side in ("encoder", "decoder"):
        places = names.layers.format(side)
        yield from _conv(f"{side}.first.linear", names.conv.format(f"{places}.0"), body.kernel)
        yield from _conv(f"{side}.last.linear", names.conv.format(f"{places}.{3 * count + 2}"), body.last_kernel)
    for stage, ratio in enumerate(reversed(body.ratios)):
        ours, places = f"encoder.stages.{stage}", names.layers.format("encoder")
        yield from _residual(f"{ours}.residual", f"{places}.{3 * stage + 1}", names, body.residual_kernel)
        yield from _conv(f"{ours}.conv.linear", names.conv.format(f"{places}.{3 * stage + 3}"), 2 * ratio)
    for stage, ratio in enumerate(body.ratios):
        ours, places = f"decoder.stages.{stage}", names.layers.format("decoder")
        yield from _transposed(f"{ours}.conv", names.transposed.format(f"{places}.{3 * stage + 2}"), 2 * ratio)
        yield from _residual(f"{ours}.residual", f"{places}.{3 * stage + 3}", names, body.residual_kernel)
    yield from _conv("encoder.downsample.linear", names.downsample, 4, bias=False)
    yield _same("decoder.upsample.weight", f"{names.upsample}.weight")


def _transformer(config: CodecConfig, names: Names) -> Iterator[Link]:
    for side in ("encoder", "decoder"):
        settings = getattr(config, f"{side}_transformer")
        for index in range(settings.layers):
            ours, theirs = f"{side}.transformer.layers.{index}", names.transformer.format(side, index)
            yield _projection(f"{ours}.in_proj.weight", f"{theirs}.self_attn", names, settings.heads)
            yield _same(f"{ours}.out_proj.weight", f"{theirs}.{names.attention_out}.weight")
            for number in (1, 2):
                for part in ("weight", "bias"):
                    yield _same(f"{ours}.norm{number}.{part}", f"{theirs}.{names.norms[number - 1]}.{part}")
                yield _same(f"{ours}.linear{number}.weight", f"{theirs}.{names.feedforward[number - 1]}.weight")
                yield _same(f"{ours}.scale{number}", f"{theirs}.{names.scales[number - 1]}.scale")


def _projection(ours: str, theirs: str, names: Names, heads: int) -> Link:
    """Queries, keys and values in one matrix; Hugging Face keeps three and halves, not pairs, for the rotation."""
    if names is KYUTAI:
        return _same(ours, f"{theirs}.in_proj_weight")

    def pairs(x: Tensor) -> Tensor:
        return torch.unflatten(x, 0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)

    def halves(x: Tensor) -> Tensor:
        return torch.unflatten(x, 0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)

    def write(x: Tensor) -> tuple[Tensor, ...]:
        query, key, value = x.chunk(3)
        return halves(query), halves(key), value

    return Link(
        ours,
        tuple(f"{theirs}.{part}_proj.weight" for part in "qkv"),
        lambda query, key, value: torch.cat([pairs(query), pairs(key), value]),
        write,
    )


def _quantizer(config: CodecConfig, names: Names) -> Iterator[Link]:
    for branch, theirs in zip(("semantic", "acoustic"), names.quantizers, strict=True):
        for ours_side, their_side in (("in", "input_proj"), ("out", "output_proj")):
            yield from _conv(f"quantizer.{branch}_{ours_side}", f"{theirs}.{their_side}", 1, bias=False)
    for level in range(config.quantizer.n_q):
        place = (names.quantizers[0], 0) if level == 0 else (names.quantizers[1], level - 1)
        ours, codebook = f"quantizer.codebooks.{level}", names.codebook.format(*place)
        yield _same(f"{ours}.embedding_sum", f"{codebook}.{names.embedding_sum}")
        yield _same(f"{ours}.cluster_usage", f"{codebook}.cluster_usage")
        yield _same(f"{ours}.initialized", f"{codebook}.{names.initialized}")


def links(config: CodecConfig, layout: Layout) -> list[Link]:
    """The links of a Mimi configuration to a foreign layout."""
    if not isinstance(config.body, SeanetConfig):
        raise ValueError(f'only Mimi has the layout "{layout}"; save a {config.name} codec with layout="own"')
    names = {"kyutai": KYUTAI, "huggingface": HUGGINGFACE}.get(layout)
    if names is None:
        raise ValueError(f'unknown layout "{layout}"; choose "kyutai", "huggingface" or "own"')
    return [*_body(config.body, names), *_transformer(config, names), *_quantizer(config, names)]


def layout_of(tensors: Mapping[str, Tensor]) -> Layout | None:
    """The foreign layout a file's names belong to, None if neither."""
    names = {_canonical(name) for name in tensors}
    if "encoder.model.0.conv.conv.weight" in names:
        return "kyutai"
    return "huggingface" if "encoder.layers.0.conv.weight" in names else None


def _canonical(name: str) -> str:
    for pattern, replacement in ALIASES:
        name = re.sub(pattern, replacement, name)
    return name


def from_foreign(tensors: Mapping[str, Tensor], config: CodecConfig, layout: Layout) -> dict[str, Tensor]:
    """Our state dictionary out of a foreign file's tensors. A missing tensor raises ValueError; codebooks beyond the
    configuration's are left out."""
    canonical = {_canonical(name): tensor for name, tensor in tensors.items()}
    ours = {}
    for link in links(config, layout):
        missing = [name for name in link.theirs if name not in canonical]
        if missing and link.ours.endswith(".initialized"):
            ours[link.ours] = torch.ones(1)  # some older files leave the flag out
            continue
        if missing:
            raise ValueError(f"not a {config.name} checkpoint with {config.quantizer.n_q} codebooks: no {missing[0]}")
        try:
            ours[link.ours] = link.read(*(canonical[name].float() for name in link.theirs))
        except (RuntimeError, IndexError):
            shapes = [list(canonical[name].shape) for name in link.theirs]
            raise ValueError(f"not a {config.name} checkpoint: {link.theirs[0]} is {shapes[0]}") from None
    return ours


def to_foreign(state: Mapping[str, Tensor], config: CodecConfig, layout: Layout) -> dict[str, Tensor]:
    """A foreign file's tensors out of our state dictionary."""
    tensors: dict[str, Tensor] = {}
    for link in links(config, layout):
        tensors.update(zip(link.theirs, link.write(state[link.ours]), strict=True))
    return tensors
