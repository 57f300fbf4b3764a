"""Debian's Festival as an engine of synth, in a process of its own.

    apt install festival festvox-kallpc16k festvox-kdlpc16k
    synth generate --engine worker:examples/engines/festival.toml ...

It speaks English in two diphone voices and times no words. An engine on which nothing here was trained: its voices
judge how well the shipped agent hears strangers.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from typing import Any

import numpy as np
from duologue_worker import serve  # type: ignore[import-not-found]

RATE = 16_000  # Hz, of its voices


def speak(request: dict[str, Any]) -> tuple[Any, None]:
    """Samples for a request; the seed changes nothing."""
    slower = f"(Parameter.set 'Duration_Stretch {1 / request['rate']:.4f})"
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["text2wave", "-eval", f"(voice_{request['voice']})", "-eval", slower, "-o", file.name]
        subprocess.run(command, input=request["text"].encode(), capture_output=True, check=True)
        with wave.open(file.name) as made:
            rate, samples = made.getframerate(), np.frombuffer(made.readframes(made.getnframes()), np.int16) / 32768
    assert rate == RATE, f"Festival's voice {request['voice']} speaks at {rate} Hz"
    return samples, None


if __name__ == "__main__":
    licences = {"licence_code": "MIT", "licence_weights": "MIT"}
    about = {"name": "festival", "version": "1", "sample_rate": RATE, "clones": False, "languages": ["en"], **licences}
    serve(about, lambda: speak)
