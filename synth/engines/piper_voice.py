"""One Piper voice: its graph, the symbols it knows, the accent it was taught, how fast and lively it speaks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .piper_graph import PiperGraph
from .piper_speakers import Speakers


@dataclass(frozen=True)
class PiperVoice:
    """A voice's file, or one speaker of it.

    Attributes:
        graph: a pure function of its inputs.
        rate: Hz.
        ids: symbol -> its ids in the graph.
        accent: espeak-ng's name of the language that its symbols come from.
        length, noise, duration_noise: the voice's own scales of durations, latent noise and duration noise.
        speaker: its number, in a voice with several; or those of several with their shares.
        size: of the file, bytes: part of the engine's version.
    """

    graph: PiperGraph
    rate: int
    ids: Mapping[str, Sequence[int]]
    accent: str
    length: float
    noise: float
    duration_noise: float
    speaker: int | Speakers
    size: int


@lru_cache(maxsize=4)
def _graph(model: Path, modified: int, size: int) -> PiperGraph:
    """The graph of a file, which all of its speakers share."""
    return PiperGraph(model)


def read_voice(model: Path, config: Path, speaker: str = "") -> PiperVoice:
    """Read a voice.

    Args:
        model: its `.onnx` file.
        config: the JSON file that came with it.
        speaker: a name or a number, where it has several; the first one if empty.

    Raises:
        ValueError: a file is missing or is not a Piper voice's, it does not speak from espeak's phonemes, or it has no
            such speaker.
    """
    try:
        content: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        kind = content.get("phoneme_type", "espeak")
        names: dict[str, int] = content.get("speaker_id_map") or {}
        count = int(content.get("num_speakers", 1))
        rate, accent = int(content["audio"]["sample_rate"]), str(content["espeak"]["voice"])
        ids: dict[str, list[int]] = content["phoneme_id_map"]
        scales = content.get("inference", {})
        length, noise = float(scales.get("length_scale", 1.0)), float(scales.get("noise_scale", 0.667))
        duration_noise = float(scales.get("noise_w", 0.8))
    except OSError as error:
        raise ValueError(f"cannot read the voice's {config}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{config} is not the JSON file of a Piper voice: {error!r}") from None
    if kind != "espeak":
        raise ValueError(f"{config}: the voice speaks from {kind!r}; only espeak's phonemes are known here")
    number = names.get(speaker, int(speaker) if speaker.isdecimal() else 0 if not speaker else -1)
    if not 0 <= number < max(count, 1):
        known = ", ".join([*names][:10]) or f"0 to {count - 1}"
        raise ValueError(f"{model.name} has no speaker {speaker!r}; it has {count}: {known}")
    if not model.is_file():
        raise ValueError(f"there is no voice {model}")
    state = model.stat()
    size = state.st_size
    return PiperVoice(
        _graph(model, state.st_mtime_ns, size), rate, ids, accent, length, noise, duration_noise, number, size
    )
