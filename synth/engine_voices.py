"""The voices that an engine can speak with: clones of the bank's, pseudo-speakers, or those it was built with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corpus.record import Voice

from .engines.catalogue import EngineEntry, engine_entry
from .engines.declaration import OwnVoice
from .engines.protocol import ReferenceVoice
from .voices import Side, load_bank, moved_towards

CLONING = "pocket"  # an engine to which references are what they are


def engine_voices(
    engine: str, folders: Sequence[Path] = (), language: str = "en", side: Side | None = None
) -> dict[str, ReferenceVoice]:
    """Every voice that an engine can speak a language with, by id.

    What is heard is what the voice says of itself: a clone carries the licence of the reference and that of the weights
    that imitated it; an engine that cannot clone gets no reference, and never another voice in place of one.

    Args:
        engine: `NAME` or `NAME:ARGUMENT`.
        folders: a user's folders of references.
        language: ISO 639-1 code.
        side: of the folders' splits, see `load_bank`.

    Raises:
        ValueError: the engine is unknown, cannot clone the folders' references, or has no voice of the language.
    """
    entry = engine_entry(engine)
    if not entry.voices:
        bank = load_bank(folders, engine, side)
        return {id: _with_weights(voice, entry) for id, voice in bank.items()} if entry.clones else bank
    if folders and not entry.pseudo_speakers:
        raise ValueError(
            f"engine {engine} cannot clone the voices of {', '.join(map(str, folders))}; "
            "leave them out of the recipe's voices.folders, or choose an engine that clones: synth engines"
        )
    own = {voice.id: declared_voice(voice, engine) for voice in entry.voices if voice.language == language}
    if not own:
        spoken = ", ".join(dict.fromkeys(voice.language for voice in entry.voices))
        raise ValueError(f"engine {engine} has no voice for {language!r}; it has voices for {spoken}")
    if not entry.pseudo_speakers:
        return own
    (base,) = own.values()
    references = load_bank(folders, CLONING, side)
    if base.voice.id in references:
        raise ValueError(f"two voices are called {base.voice.id!r}; rename the one of engine {engine}")
    moved = {
        id: replace(reference, voice=moved_towards(reference.voice, base.voice, engine))
        for id, reference in references.items()
    }
    return {**moved, **own}


def declared_voice(own: OwnVoice, engine: str) -> ReferenceVoice:
    """A voice that an engine was built with."""
    voice = Voice(
        id=own.id, kind="recorded", engine=engine, licence=own.licence, source=own.source or engine, consent=own.consent
    )
    return ReferenceVoice(voice, None, None, own.language, own.gender)


def _with_weights(reference: ReferenceVoice, entry: EngineEntry) -> ReferenceVoice:
    voice = reference.voice
    licence = f"{voice.licence} (reference), {entry.licence_weights} (weights of {voice.engine})"
    return replace(reference, voice=voice.model_copy(update={"licence": licence}))
