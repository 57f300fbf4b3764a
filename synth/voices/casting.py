"""Engines loaded by name, and the voices each can speak with: clones, pseudo-speakers, or those it was built with."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import cast

from corpus.record import Voice

from ..engines.catalogue import EngineEntry, engine_entry
from ..engines.declaration import OwnVoice
from ..engines.protocol import Engine, ReferenceVoice
from ..engines.weights import require
from .bank import load_bank, moved_towards, own_voice
from .entry import Side
from .speakers import on_side, with_measures

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
        side: of the folders' splits, see `load_bank`; of the engine's own voices, if there are several.

    Raises:
        ValueError: the engine is unknown, cannot clone the folders' references, or has no voice of the language.
    """
    entry = engine_entry(engine)
    if not entry.voices and not entry.clones and entry.weights:
        require(engine, entry.weights)
    if not entry.voices:
        bank = load_bank(folders, engine, side)
        return {id: _with_weights(voice, entry) for id, voice in bank.items()} if entry.clones else bank
    if folders and not entry.pseudo_speakers:
        raise ValueError(
            f"engine {engine} cannot clone the voices of {', '.join(map(str, folders))}; "
            "leave them out of the recipe's voices.folders, or choose an engine that clones: synth engines"
        )
    own = {voice.id: declared_voice(voice, engine) for voice in entry.voices if voice.language == language}
    if len(own) > 1:
        own = {id: voice for id, voice in own.items() if on_side(id, side)}
    own = with_measures(own, engine)
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


@lru_cache(maxsize=4)
def load_engine(name: str, language: str = "en") -> Engine:
    """Load an engine by its name (see `catalogue`), once a process: engines keep nothing between calls.

    One that neither clones nor has voices to choose from is wrapped in `PseudoSpeakerEngine`, so that it, too, can
    speak with any reference voice.

    Args:
        name: `NAME` or `NAME:ARGUMENT`.
        language: ISO 639-1 code of what it is to speak.

    Raises:
        ValueError: there is no such engine, its extra or its weights are missing, or it does not speak the language.
    """
    entry = engine_entry(name)
    if language not in entry.languages:
        raise ValueError(f"engine {name} does not speak {language!r}; it speaks {', '.join(entry.languages)}")
    try:
        engine: Engine = importlib.import_module(f"..engines.{entry.module}", __package__).load(name, entry, language)
        if entry.module == "piper" and len(entry.voices) > 1:
            from ..engines.pseudo.cast import BlendingEngine, CastEngine

            return CastEngine(cast(BlendingEngine, engine))
        if entry.clones or (entry.voices and not entry.pseudo_speakers):
            return engine
        from ..engines.pseudo.engine import PseudoSpeakerEngine, measured_voice
    except ModuleNotFoundError as error:
        raise ValueError(
            f"engine {name} needs the extra {entry.extra!r}: pip install 'duologue[{entry.extra}]' ({error})"
        ) from None
    if not entry.voices:
        return PseudoSpeakerEngine(engine, own_voice(name))
    return PseudoSpeakerEngine(engine, measured_voice(engine, declared_voice(entry.voices[0], name), language))
