"""A bank of recorded voices spoken by an engine's own speakers: each voice matched once, and the matches kept.

They are kept in `$XDG_CACHE_HOME/duologue/matches`, by default under `~/.cache`: a JSON file for each clip and engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from corpus.audio import Samples, read_mono
from corpus.durable import replace_synced
from corpus.user_folders import cache_folder

from ..engines.catalogue import engine_entry
from ..engines.protocol import ReferenceVoice
from ..engines.pseudo.cast import CastEngine
from ..engines.voice_profile import VoiceProfile
from .audit import clip_digest
from .bank import load_bank
from .casting import CLONING, engine_voices, load_engine
from .embedding import Embedder, load_embedder
from .entry import Side
from .match import Match, Matcher
from .speakers import BETWEEN, measure_speakers, measured_speakers

Told = Callable[[str, int, int], None]
_MATCH = TypeAdapter(Match)


def _silent(what: str, done: int, of: int) -> None:
    """Tell nobody."""


@dataclass
class Matches:
    """Matches of recorded voices with the speakers of one engine; loads engine and embedder when one is new.

    Raises ValueError where the engine has not several speakers of its own that speak the language.
    """

    engine: str
    language: str = "en"
    side: Side | None = None
    told: Told = _silent
    embedder: Embedder | None = None
    _matcher: Matcher | None = None

    def __post_init__(self) -> None:
        """Find the engine's speakers."""
        entry = engine_entry(self.engine)
        several = entry.module == "piper" and not entry.pseudo_speakers
        self.speakers = engine_voices(self.engine, (), self.language, self.side) if several else {}
        if len(self.speakers) < 2:
            raise ValueError(
                f"voices are matched with the speakers of a Piper voice that has several; engine {self.engine} has "
                "none: choose one such as piper:en_US-libritts_r-medium"
            )

    def of(self, samples: Samples, profile: VoiceProfile | None) -> Match:
        """The match of a voice, by a clip `[T]` at 24 kHz and what was measured of it; from the cache where it is."""
        path = self._kept(samples)
        try:
            return _MATCH.validate_json(path.read_bytes())
        except (OSError, ValidationError):
            pass
        if self._matcher is None:
            self._matcher = self._loaded()
        match = self._matcher.match(samples, profile)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_synced(path, _MATCH.dump_json(match), path.parent)
        return match

    def voice(self, reference: ReferenceVoice, match: Match) -> ReferenceVoice:
        """What is heard in a reference's place: a pseudo-speaker."""
        parts = [self.speakers[id].voice for id, _ in match.cast.parts]
        shares = " and ".join(f"{id} ({share:g})" for id, share in match.cast.parts)
        licences = ", ".join(dict.fromkeys(voice.licence for voice in parts))
        moved = ", moved towards" if match.cast.fitted else ", nearest to"
        voice = reference.voice.model_copy(
            update={
                "kind": "pseudo-speaker",
                "engine": self.engine,
                "licence": f"{reference.voice.licence} (reference), {licences} (speakers of {self.engine})",
                "source": f"speakers {shares} of {self.engine}{moved} {reference.voice.source}; "
                f"cosine {match.nearest:.2f}, then {match.similarity:.2f}",
            }
        )
        profile = reference.profile
        gender = reference.gender or (_gender(profile) if profile else self.speakers[match.cast.parts[0][0]].gender)
        return replace(reference, voice=voice, gender=gender, cast=match.cast)

    def _kept(self, samples: Samples) -> Path:
        """Where a clip's match is kept: other speakers to choose from are another match."""
        key = "\0".join((self.engine, self.language, *sorted(self.speakers), clip_digest(samples)))
        return cache_folder() / "matches" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def _loaded(self) -> Matcher:
        """The matcher, its speakers measured. Raises ValueError naming what to install."""
        embedder, engine = self.embedder or load_embedder(), load_engine(self.engine, self.language)
        assert isinstance(engine, CastEngine), "an engine with several speakers casts"
        measure_speakers(
            self.engine,
            engine,
            self.speakers,
            self.language,
            lambda clip: embedder.listen(clip).vector,
            partial(self.told, "measuring speakers"),
        )
        known = measured_speakers(self.engine)
        vectors = {id: np.asarray(known[id].vector, np.float32) for id in self.speakers}
        return Matcher(engine, self.speakers, vectors, embedder, self.language, engine.can_blend)


def matched_voices(
    engine: str,
    folders: Sequence[Path],
    language: str,
    side: Side | None,
    told: Told = _silent,
    embedder: Embedder | None = None,
) -> dict[str, ReferenceVoice]:
    """Every recorded voice of the banks, spoken by the engine's speakers that sound most like it, by id.

    Raises:
        ValueError: the engine has not several speakers, a folder is no bank, or the embedder is not installed.
    """
    matches = Matches(engine, language, None, told, embedder)
    bank = load_bank(folders, CLONING, side)
    references = {id: reference for id, reference in bank.items() if reference.audio is not None}
    cast: dict[str, ReferenceVoice] = {}
    for number, (id, reference) in enumerate(references.items(), 1):
        assert reference.audio is not None, "only recordings are kept"
        cast[id] = matches.voice(reference, matches.of(read_mono(reference.audio), reference.profile))
        told("matching voices", number, len(references))
    return cast


def _gender(profile: VoiceProfile) -> Literal["f", "m"]:
    return "m" if profile.pitch < BETWEEN else "f"
