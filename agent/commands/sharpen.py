"""`agent sharpen`: a model that is sampled colder at the temperatures that clients ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sharpen(
    model: Annotated[str, typer.Argument(help="shipped name or folder", show_default=False)],
    out: Annotated[Path, typer.Option(help="folder to write")],
    text: Annotated[float, typer.Option(help="by which the text's logits grow")] = 1.0,
    audio: Annotated[float, typer.Option(help="by which the codebooks' logits grow")] = 1.0,
) -> None:
    """Multiply a model's logits: temperature t then says what t / factor said. Moshi's clients ask for 0.7 and 0.8."""
    import torch

    from ..files.bundle import codec_of, load_bundle, save_bundle
    from ..files.codec_identity import CodecIdentity
    from ..hearing.opening import NOBODY
    from ..model.quantized import Int8Linear, dequantize, quantize
    from ..model.sharpen import sharpen as multiply

    bundle = load_bundle(model, hearing=NOBODY)
    if out.resolve() == bundle.folder.resolve():
        raise ValueError(f"--out {out} is the model itself: name another folder")
    short = any(isinstance(layer, Int8Linear) for layer in bundle.model.modules())
    dequantize(bundle.model, torch.float32)
    multiply(bundle.model, text, audio)
    if short:
        quantize(bundle.model)
    known = codec_of(bundle.folder)
    name = "mimi" if known is None else known.name
    inside = bundle.folder / name
    identity = CodecIdentity.of(bundle.codec, str(inside.resolve()) if inside.is_file() else name)
    typer.echo(str(save_bundle(out, bundle.model, bundle.vocabulary, identity)))
