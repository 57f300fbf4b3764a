"""Messages that make little sense on any wire, for tests that send thousands of them."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable
from typing import Any

import sphn  # type: ignore[import-untyped]

from tests.support.speechlike import speech_like


@functools.cache
def some_opus() -> bytes:
    """A second of Ogg-Opus."""
    return bytes(sphn.OpusStreamWriter(24_000).append_pcm(speech_like(1.0, seed=3)))


def damaged(rng: random.Random, data: bytes) -> bytes:
    """The data with some bytes changed."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def malformed(rng: random.Random) -> bytes | str:
    """A message that makes little sense on any wire."""
    ogg = some_opus()
    names = ["type", "controls", "session", "audio", "ping", "hold", "self", "seed"]
    values: list[Any] = [None, 1e308, -1, "x", [], {}, {"hold": 3}, "input_audio_buffer.append", "session.update", True]
    content = json.dumps({rng.choice(names): rng.choice(values) for _ in range(3)})
    choices: list[Callable[[], bytes | str]] = [
        lambda: rng.randbytes(rng.randrange(200)),
        lambda: bytes([rng.randrange(10)]) + rng.randbytes(rng.randrange(50)),
        lambda: b"\x01" + ogg[: rng.randrange(len(ogg))],
        lambda: b"\x01" + damaged(rng, ogg),
        lambda: b"\x01OggS\x00" + rng.randbytes(21) + b"\xff" * rng.randrange(300),
        lambda: b"\x04" + content.encode(),
        lambda: content,
        lambda: content[: rng.randrange(len(content))],
        lambda: content.replace("}", ', "x": NaN}'),
        lambda: "[" * 2000,
        lambda: '{"a":' * 2000,
        lambda: rng.randbytes(60).decode("latin-1"),
        lambda: json.dumps({"type": "input_audio_buffer.append", "audio": rng.randbytes(9).hex()}),
    ]
    return rng.choice(choices)()
