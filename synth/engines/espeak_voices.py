"""espeak-ng's languages and voices, from `espeak_languages.toml` and its variants: each an accent with a timbre.

espeak                 the first accent of each language, in every variant: de-m1, ..., de-f5
espeak:en-us           that accent; espeak:en-us,en-gb-scotland both
espeak:de+Alicia       one voice: any file of espeak-ng's `voices/!v` may be named
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

from corpus.suggestion import suggestion
from corpus.toml import read_toml

from .declaration import OwnVoice

VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5")
LICENCE = "GPL-3.0-or-later"  # of the program, and of the recorded consonants among its data
_ARGUMENT = re.compile(r"(?P<accent>[a-z0-9-]+)(?:\+(?P<variant>\w+))?")


@cache
def espeak_languages() -> dict[str, dict[str, str]]:
    """Language code -> espeak-ng's name of each accent -> its English name."""
    return dict(read_toml(Path(__file__).with_name("espeak_languages.toml")))


@cache
def espeak_voices(argument: str = "") -> tuple[OwnVoice, ...]:
    """The voices of `espeak:ARGUMENT`.

    Raises:
        ValueError: it has no such accent; the nearest one is named.
    """
    if not argument:
        return tuple(
            _voice(language, next(iter(accents)), variant)
            for language, accents in espeak_languages().items()
            for variant in VARIANTS
        )
    return tuple(voice for part in argument.split(",") for voice in _named(part.strip()))


def _named(part: str) -> list[OwnVoice]:
    match = _ARGUMENT.fullmatch(part)
    languages = {accent: code for code, accents in espeak_languages().items() for accent in accents}
    if match is None or match["accent"] not in languages:
        raise ValueError(
            f"espeak has no accent {part!r}{suggestion(part, languages)}; write espeak:ACCENT or espeak:ACCENT+VARIANT"
        )
    variants = [match["variant"]] if match["variant"] else VARIANTS
    return [_voice(languages[match["accent"]], match["accent"], variant) for variant in variants]


def _voice(language: str, accent: str, variant: str) -> OwnVoice:
    gender: Literal["f", "m"] | None = None
    if variant in VARIANTS:
        gender = "f" if variant[0] == "f" else "m"
    return OwnVoice(
        id=f"{accent}-{variant}",
        name=f"{accent}+{variant}",
        gender=gender,
        language=language,
        licence=LICENCE,
        consent="computed voice, nobody's",
        source="espeak-ng",
    )
