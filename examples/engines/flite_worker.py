"""Debian's flite as an engine of synth, in a process of its own: `apt install flite`.

    synth generate --engine worker:examples/engines/flite.toml ...

It speaks English in a few voices and times no words. The shipped agent learned from two of its voices; `flite-slt` is
kept for judging.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from typing import Any

import numpy as np
from duologue_worker import serve  # type: ignore[import-not-found]

RATE = 16_000  # Hz, of its voices but one


def speak(request: dict[str, Any]) -> tuple[Any, None]:
    """Samples for a request; the seed changes nothing."""
    slower = f"duration_stretch={1 / request['rate']:.4f}"
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:  # it goes back to write the length, so no pipe
        command = ("flite", "-voice", request["voice"], "--setf", slower, "-t", request["text"], file.name)
        subprocess.run(command, capture_output=True, check=True)
        with wave.open(file.name) as made:
            rate, samples = made.getframerate(), np.frombuffer(made.readframes(made.getnframes()), np.int16) / 32768
    assert rate == RATE, f"flite's voice {request['voice']} speaks at {rate} Hz"
    return samples, None


if __name__ == "__main__":
    licences = {"licence_code": "BSD-2-Clause", "licence_weights": "BSD-2-Clause"}
    about = {"name": "flite", "version": "1", "sample_rate": RATE, "clones": False, "languages": ["en"], **licences}
    serve(about, lambda: speak)
