"""`agent hear`: a recording written down by the full-duplex model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .hearing_option import HearingName


def hear(
    recording: Annotated[Path, typer.Argument(help="audio file; of two channels or more, all are mixed")],
    model: Annotated[str, typer.Option(help="shipped name or folder")] = "laptop",
    channel: Annotated[int | None, typer.Option(min=0, help="hear this channel only; 1 is a corpus' user")] = None,
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    hearing: HearingName = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    runtime: Annotated[str, typer.Option(help="fast, or torch: the modules as they are")] = "fast",
    as_json: Annotated[bool, typer.Option("--json", help="print words with their times as JSON")] = False,
) -> None:
    """Write down what is said: the model's stream of the user's words, the agent kept silent."""
    import json

    import torch

    from codec.device import pick_device
    from corpus.audio import read

    from ..files.bundle import load_bundle
    from ..offline.hear import hear as write_down
    from ..offline.hear import lateness_of

    sound = read(recording)
    if channel is not None and channel >= len(sound):
        raise ValueError(f"{recording} has {len(sound)} channels, no channel {channel}; they count from 0")
    torch.set_num_threads(1)  # its products are too short to be shared out
    chosen = pick_device(device)
    bundle = load_bundle(model, device=chosen, codec=codec, hearing=hearing)
    mono = sound.mean(axis=0) if channel is None else sound[channel]
    words = write_down(bundle, mono, lateness_of(bundle.folder), runtime)  # type: ignore[arg-type]
    if as_json:
        print(json.dumps([{"text": w.text, "start": w.start, "end": w.end} for w in words], ensure_ascii=False))
    else:
        for word in words:
            print(f"{word.start:8.2f}  {word.text}")
