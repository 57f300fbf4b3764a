"""What `synth engines --language` adds to its table: espeak's accents, and Piper's voices of the language."""

from __future__ import annotations

from collections.abc import Iterator

from ..engines.espeak_voices import espeak_languages
from ..engines.piper_hub import LISTING, REPO, hub_voices

_SHOWN = 12  # voices of Piper


def ways_to_speak(language: str) -> Iterator[str]:
    """Lines that say what can speak a language, an ISO 639-1 code, and how to get it."""
    yield from _espeak(language)
    yield from _piper(language)


def _espeak(language: str) -> Iterator[str]:
    accents = espeak_languages().get(language)
    if not accents:
        yield f"espeak does not speak {language!r}; it speaks {' '.join(sorted(espeak_languages()))}"
        return
    named = ", ".join(f"espeak:{accent} ({name})" for accent, name in accents.items())
    voices = f"synth engines voices espeak --language {language}"
    yield f"espeak speaks it at once, plainly as a machine: {named}; its voices: {voices}"


def _piper(language: str) -> Iterator[str]:
    voices, complete = hub_voices(language)
    names = [f"piper:{name}" + (f" ({count} speakers)" if count > 1 else "") for name, count in voices.items()]
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"voices of Piper, each after synth engines fetch NAME: {', '.join(names[:_SHOWN])}{more}"
    elif complete:
        yield f"Piper has no voice of {language!r}"
    if not complete:
        where = f"https://huggingface.co/{REPO}/tree/main/{language}"
        yield f"all of Piper's voices: {where}; to list them here: synth engines fetch piper:{LISTING.files[0]}"
