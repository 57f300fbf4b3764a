"""`codec export`: the codec as ONNX graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import CodecOption


def export(
    onnx: Annotated[Path, typer.Option(help="folder for encoder.onnx, decoder.onnx and codec.json")],
    codec: CodecOption = "laptop",
) -> None:
    """Write the codec as ONNX graphs with the streaming state as inputs and outputs."""
    from ..export import export as export_onnx
    from ..model import Codec

    export_onnx(Codec.load(codec), onnx)
    typer.echo(str(onnx))
