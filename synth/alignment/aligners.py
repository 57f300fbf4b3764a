"""Models that say where the words of a known text are in a clip, in any language they were trained on.

whisper:FOLDER    a faster-whisper model (`model.bin`): its cross-attention
ctc:FOLDER        a transformers model with a CTC head over letters (`config.json`, `vocab.json`, weights)
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from corpus.suggestion import suggestion

from ..content import content_name
from .aligner import Aligner

KINDS = {"whisper": "model.bin", "ctc": "config.json"}  # -> the file that its folder must hold


def check_aligner(name: str) -> tuple[str, Path]:
    """Kind and folder of an aligner's name. Raises ValueError for one there is not; nothing is loaded."""
    kind, _, folder = name.partition(":")
    if kind not in KINDS or not folder:
        raise ValueError(f"aligner {name!r} is not known{suggestion(kind, KINDS)}; write whisper:FOLDER or ctc:FOLDER")
    path = Path(folder).expanduser()
    if not (path / KINDS[kind]).is_file():
        raise ValueError(f"aligner {name}: there is no {KINDS[kind]} in {folder}")
    return kind, path


def aligner_name(name: str) -> str:
    """An aligner's name with its content in place of its path, "" for none. Raises ValueError for one there is not."""
    if not name:
        return ""
    kind, folder = check_aligner(name)
    return f"{kind}:{content_name(str(folder), KINDS[kind])}"


@lru_cache(maxsize=2)
def load_aligner(name: str, language: str) -> Aligner:
    """Load an aligner for a language, an ISO 639-1 code.

    Raises:
        ValueError: there is none of that name, its folder or packages are missing, or it does not know the language.
    """
    kind, folder = check_aligner(name)
    try:
        if kind == "whisper":
            from .whisper_times import WhisperTimes

            return WhisperTimes(folder, language)
        from .ctc import CtcAligner

        return CtcAligner(folder)
    except ModuleNotFoundError as error:
        extra = {"whisper": "evaluate", "ctc": "lm"}[kind]
        hint = f"pip install 'duologue[{extra}]' ({error})"
        raise ValueError(f"aligner {name} needs the extra {extra!r}: {hint}") from None
