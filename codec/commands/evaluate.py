"""`codec evaluate`: a codec judged on recordings, next to others."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from .options import CodecOption, DataOption


def evaluate(
    data: DataOption,
    codec: CodecOption = "laptop",
    vs: Annotated[str, typer.Option(help="peers, such as opus:6,codec2:3.2")] = "",
    codebooks: Annotated[str, typer.Option(help="also judge the codec with only its first codebooks: 1,2,4")] = "",
    clips: Annotated[int, typer.Option(help="at most this many clips, speakers in turn")] = 40,
    seconds: Annotated[float, typer.Option(help="longest clip")] = 15.0,
    speakers: Annotated[str, typer.Option(help="judge these speakers only, comma-separated")] = "",
    whisper: Annotated[Path | None, typer.Option(help="faster-whisper model folder, for WER")] = None,
    language: Annotated[str, typer.Option(help="spoken language, for WER")] = "en",
    probe: Annotated[
        bool, typer.Option("--probe", help="phone probe of the first codebook; needs transcripts")
    ] = False,
    onnx: Annotated[Path | None, typer.Option(help="also judge its int8 ONNX export, kept in this folder")] = None,
    listen: Annotated[Path | None, typer.Option(help="folder for listening files")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Judge a codec on recordings, next to the original and other codecs."""
    import torch
    from rich.console import Console

    from ..judging import evaluate as judging
    from ..judging.peers import OurCodec, peer
    from ..judging.probe import phone_probe
    from ..model import Codec
    from ..runtime import fastest
    from ..training.clips import find_clips
    from ..training.data import Audio, split_speakers

    torch.set_num_threads(1)
    audio = Audio(find_clips(data))
    if speakers:
        _, audio = split_speakers(audio, [name.strip() for name in speakers.split(",")])
    chosen = judging.choose_clips(audio, clips, seconds)
    loaded = Codec.load(codec)
    levels = [int(level) for level in codebooks.split(",") if level]
    systems = [OurCodec(loaded, Path(codec).stem, level) for level in [None, *levels]]
    if onnx is not None:
        systems.append(OurCodec(fastest(loaded, onnx), f"{Path(codec).stem}-int8"))
    peers = [peer(spec.strip()) for spec in vs.split(",") if spec.strip()]
    console = Console(stderr=True)
    report = judging.evaluate(chosen, [*systems, *peers], whisper, language, listen, console.print)
    figures = report.as_json()
    if probe:
        figures["phone_probe"] = dataclasses.asdict(phone_probe(loaded, chosen))
    if as_json:
        typer.echo(json.dumps(figures, indent=1))
        return
    Console().print(report.table())
    for skip in report.skipped:
        typer.echo(f"skipped {skip.name}: {skip.reason}")
    if probe:
        typer.echo("phone probe: " + "  ".join(f"{name} {value:.3g}" for name, value in figures["phone_probe"].items()))
