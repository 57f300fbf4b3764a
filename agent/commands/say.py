"""`agent say`: a text read aloud by the full-duplex model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.durable import replace_text


def say(
    text: Annotated[str, typer.Argument(help="what to say", show_default=False)],
    out: Annotated[Path, typer.Option(help="audio file to write, .wav or .flac")],
    model: Annotated[str, typer.Option(help="shipped name or folder")] = "laptop",
    voice: Annotated[Path | None, typer.Option(help="recording of the voice to speak with, 3 to 10 s")] = None,
    words: Annotated[Path | None, typer.Option(help="write the words with their times here, as JSON")] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="of text and audio, times the usual one")] = 1.0,
    seed: Annotated[int, typer.Option(help="of the sampling noise")] = 0,
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    runtime: Annotated[str, typer.Option(help="fast, or torch: the modules as they are")] = "fast",
) -> None:
    """Read a text aloud: the model's text stream is forced, word by word, at its own pace."""
    import json

    import numpy as np
    import soundfile  # type: ignore[import-untyped]
    import torch

    from codec.device import pick_device
    from corpus.audio import SAMPLE_RATE, read_mono

    from ..files.bundle import load_bundle
    from ..hearing.opening import NOBODY
    from ..model.sampling import Sampling
    from ..offline.say import say as read_aloud

    if out.suffix.lower() not in (".wav", ".flac"):
        raise ValueError(f"{out}: name a .wav or .flac file")
    reference = None if voice is None else read_mono(voice)
    torch.set_num_threads(1)  # its products are too short to be shared out
    chosen = pick_device(device)
    usual = Sampling()
    sampling = Sampling(
        text_temperature=temperature * usual.text_temperature, audio_temperature=temperature * usual.audio_temperature
    )
    reading = read_aloud(
        load_bundle(model, device=chosen, codec=codec, hearing=NOBODY),
        text,
        voice=reference,
        sampling=sampling,
        seed=seed,
        runtime=runtime,  # type: ignore[arg-type]
    )
    soundfile.write(str(out), np.clip(reading.audio, -1.0, 1.0), SAMPLE_RATE, subtype="PCM_16")
    if words is not None:
        times = [{"text": word.text, "start": word.start, "end": word.end} for word in reading.words]
        replace_text(words, json.dumps(times, indent=1, ensure_ascii=False) + "\n")
    typer.echo(f"{out}: {len(reading.audio) / SAMPLE_RATE:.1f} s, {len(reading.words)} words")
