"""`synth watermark`: whether speech carries a watermark, and which."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def watermark(
    sounds: Annotated[list[Path], typer.Argument(help="Sound files, such as a corpus's.", show_default=False)],
    weights: Annotated[Path, typer.Option(help="AudioSeal's detector_base.pth.")],
) -> None:
    """Look for AudioSeal's watermark in each channel of sound files: probability, and the message read."""
    from corpus.audio import read

    from ..speaking.watermark import WatermarkDetector

    detector = WatermarkDetector(weights)
    for path in sounds:
        for number, channel in enumerate(read(path)):
            share, message = detector.detect(channel)
            print(f"{path}\tchannel {number}\t{100 * share:.1f} %\tmessage {message}")
