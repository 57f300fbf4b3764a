"""Voices between two of the bank's: many users out of a few references.

A pseudo-speaker is pitch, its spread and a spectrum; on the line through two such profiles, and a little beyond both,
every point is a voice. Its id names both references and the place: `ls125-f~0.4~ls1334-m`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from corpus.suggestion import suggestion

from ..protocol import ReferenceVoice
from ..voice_profile import VoiceProfile

MARK = "~"
PLACES = (-0.25, 1.25)  # 0 is the first reference, 1 the second


def draw_blend(
    bank: Mapping[str, ReferenceVoice], first: ReferenceVoice, ids: Sequence[str], rng: random.Random
) -> ReferenceVoice:
    """A voice on the line from `first` to another of the bank's `ids` (all of its pseudo-speakers where empty).

    Raises:
        ValueError: fewer than two of them are pseudo-speakers with a measured profile.
    """
    others = [bank[id] for id in sorted(set(ids) or bank) if id != first.voice.id and _blendable(bank[id])]
    if not _blendable(first) or not others:
        raise ValueError(
            f"voices.blend needs users that are pseudo-speakers, and {first.voice.id!r} is "
            f"{'the only one' if _blendable(first) else first.voice.kind}: leave it out, or choose engine piper"
        )
    return blended(first, rng.choice(others), round(rng.uniform(*PLACES), 2))


def find_voice(bank: Mapping[str, ReferenceVoice], id: str) -> ReferenceVoice:
    """The voice of an id, a blend of two of the bank's included. Raises ValueError when the bank has it not."""
    match id.split(MARK):
        case [first, place, second] if first in bank and second in bank and _is_number(place):
            return blended(bank[first], bank[second], float(place))
    if id not in bank:
        raise ValueError(f"the voice bank has no voice {id!r}{suggestion(id, bank)}")
    return bank[id]


def blended(first: ReferenceVoice, second: ReferenceVoice, place: float) -> ReferenceVoice:
    """The voice at a place on the line from one pseudo-speaker (0) to another (1); pitch moves in octaves."""
    one, other = first.profile, second.profile
    assert one is not None, "only measured voices are blended"
    assert other is not None, "only measured voices are blended"
    profile = VoiceProfile(
        round(math.exp(_between(math.log(one.pitch), math.log(other.pitch), place)), 2),
        round(math.exp(_between(math.log(one.spread), math.log(other.spread), place)), 4),
        tuple(round(_between(a, b, place), 2) for a, b in zip(one.bands, other.bands, strict=True)),
    )
    voice = first.voice.model_copy(
        update={
            "id": MARK.join((first.voice.id, f"{place:g}", second.voice.id)),
            "licence": _both(first.voice.licence, second.voice.licence),
            "source": _both(first.voice.source, second.voice.source),
            "consent": _both(first.voice.consent, second.voice.consent),
        }
    )
    return replace(first, voice=voice, text=None, gender=None, profile=profile)


def _blendable(reference: ReferenceVoice) -> bool:
    return reference.voice.kind == "pseudo-speaker" and reference.profile is not None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _between(one: float, other: float, place: float) -> float:
    return one + place * (other - one)


def _both(one: str, other: str) -> str:
    """Two statements in one, a part that they share said once."""
    return "; ".join(dict.fromkeys([*one.split("; "), *other.split("; ")]))
