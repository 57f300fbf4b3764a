"""`codec encode`: audio to codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import CodecOption


def encode(
    wav: Annotated[Path, typer.Argument(help="any audio file")],
    out: Annotated[Path, typer.Argument(help=".npz to write")],
    codec: CodecOption = "laptop",
) -> None:
    """Audio to codes, `[K, F]` under the name `codes`."""
    import numpy as np
    import torch

    from corpus.audio import read_mono

    from ..model import Codec

    audio = read_mono(wav)
    codes = Codec.load(codec).encode(torch.from_numpy(audio)[None, None])[0].numpy().astype(np.int16)
    np.savez_compressed(out, codes=codes, samples=np.int64(len(audio)), codec=np.array(codec))
    typer.echo(f"{out}: {codes.shape[0]} codebooks x {codes.shape[1]} frames")
