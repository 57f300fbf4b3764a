"""`codec decode`: codes to audio."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated

import typer


def decode(
    codes: Annotated[Path, typer.Argument(help=".npz that encode wrote")],
    wav: Annotated[Path, typer.Argument(help="audio file to write (FLAC inside)")],
    codec: Annotated[str | None, typer.Option("--codec", help="another codec than the one that encoded")] = None,
) -> None:
    """Codes to audio."""
    import numpy as np
    import torch

    from corpus.audio import SAMPLE_RATE, write_flac

    from ..model import Codec

    try:
        with np.load(codes, allow_pickle=False) as file:
            stored, samples, name = file["codes"].astype(np.int64), int(file["samples"]), str(file["codec"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"cannot read {codes} as codes: {error}") from None
    audio = Codec.load(codec or name).decode(torch.from_numpy(stored)[None])[0].numpy()[:, :samples]
    write_flac(wav, np.clip(audio, -1.0, 1.0))
    typer.echo(f"{wav}: {audio.shape[1] / SAMPLE_RATE:.2f} s")
