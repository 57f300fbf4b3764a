"""`agent bench`: how long the live loop's frames take here."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ..files.talking_model import TalkingModel


def bench(
    model: Annotated[str, typer.Option(help="shipped model, a folder, or a preset with random weights")] = "laptop",
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    sessions: Annotated[int, typer.Option(min=1, help="try up to so many conversations at once")] = 16,
    frames: Annotated[int, typer.Option(min=20, help="frames to time for each number")] = 100,
    threads: Annotated[str, typer.Option(help="cores to use, a run for each: 1,2")] = "1,2",
    runtime: Annotated[str, typer.Option(help="fast, fused (codec as it is), torch or slots")] = "fast",
    wheel: Annotated[bool, typer.Option("--wheel/--no-wheel", help="next to the wheel moshi, if installed")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time the live loop: encode, step, decode and the whole frame, for more and more conversations."""
    import torch

    from ..judging.frame_times import measure

    try:
        counts = [int(each) for each in threads.split(",")]
    except ValueError:
        raise ValueError(f"--threads takes numbers with commas between, got {threads!r}") from None
    bundle, name = _bundle(model, codec)
    reports = []
    for count in counts:
        torch.set_num_threads(count)
        reports.append(measure(bundle, name, runtime, count, sessions, frames, wheel))  # type: ignore[arg-type]
        if not as_json:
            Console().print(reports[-1].table())
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(report) for report in reports], indent=1))


def _bundle(name: str, codec: str | None) -> tuple[TalkingModel, str]:
    from ..files.bundle import load_bundle
    from ..files.shipped import find_bundle
    from ..judging.frame_times import fresh_bundle
    from ..model.presets import PRESETS

    try:
        find_bundle(name)
    except ValueError:
        if name in PRESETS:
            return fresh_bundle(name, codec or "laptop"), f"{name}, random weights"
    return load_bundle(name, codec=codec), name
