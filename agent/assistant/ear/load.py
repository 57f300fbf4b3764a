"""Which ears there are: `whisper:SIZE` or `whisper:DIR`, `sherpa:FILE.toml`, `own`, `script:FILE`."""

from __future__ import annotations

from pathlib import Path

from ..parts import Ear
from ..work import Executor

HELP = "whisper:SIZE, whisper:DIR, sherpa:FILE.toml, own or script:FILE"


def load_ear(name: str, executor: Executor, *, language: str | None = None, threads: int = 1) -> Ear:
    """The ear of this name.

    Args:
        name: one of `HELP`.
        executor: gives the lane in which it decodes.
        language: ISO 639-1 code of what is spoken; None detects it where the model knows several.
        threads: cores of one decoding.

    Raises:
        ValueError: there is no such ear, or it cannot be had; the message says what to type.
    """
    kind, _, rest = name.partition(":")
    if kind == "whisper" and rest:
        from .whisper import WhisperEar
        from .whisper_weights import whisper_folder

        return WhisperEar(name, whisper_folder(rest), executor, language, threads)
    if kind == "sherpa" and rest:
        from .sherpa import SherpaEar

        return SherpaEar(name, Path(rest).expanduser(), executor, threads)
    if name == "own":
        from .own import OwnEar

        return OwnEar()
    if kind == "script" and rest:
        from .scripted import read_script

        return read_script(name, Path(rest).expanduser())
    raise ValueError(f"no ear is called {name!r}; choose {HELP}")
