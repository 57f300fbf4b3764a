"""The child's side of the worker protocol, for workers in Python: standard library and numpy only.

It runs in the engine's environment, where nothing else of this project is installed. See `synth/engines/worker.py` for
the protocol.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import wave
from collections.abc import Callable
from typing import Any

Speak = Callable[[dict[str, Any]], tuple[Any, "list[tuple[str, float, float]] | None"]]


def serve(introduction: dict[str, Any], load: Callable[[], Speak]) -> None:
    """Introduce the engine, load it when the first request comes, and answer requests until stdin closes.

    Args:
        introduction: name, version, sample_rate, clones, languages, licence_code, licence_weights.
        load: makes the function that speaks. It takes a request (see the protocol) and returns float samples `[T]`
            within -1..1 and the words with their start and end in seconds, or None to have them aligned. A ValueError
            says why a text cannot be spoken; any other exception ends the worker.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to stderr, and the protocol has stdout to itself
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    print(json.dumps({"protocol": 1, **introduction}), file=answers)
    speak: Speak | None = None
    while True:
        request = json.loads(requests.get())
        speak = speak or load()
        try:
            samples, words = speak(request)
        except ValueError as error:
            print(json.dumps({"id": request["id"], "error": str(error)}), file=answers)
            continue
        _write(request["out"], samples, introduction["sample_rate"])
        print(json.dumps({"id": request["id"], "words": words}), file=answers)


def _read(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # the parent is gone, and what is being spoken has nobody to go to


def _write(path: str, samples: Any, rate: int) -> None:
    import numpy as np

    data = np.nan_to_num(np.asarray(samples, np.float64)) * 32767.0
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(np.round(data), -32768, 32767).astype("<i2").tobytes())
