"""Which mouths there are: any speech engine (`piper`, `pocket`, `kokoro`, `sherpa:FILE.toml`, ...), `own`, `tone`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corpus.record import Voice
from corpus.suggestion import suggestion
from synth.engines.catalogue import engine_entry
from synth.engines.protocol import FASTEST, SLOWEST, ReferenceVoice
from synth.voices import check_reference, engine_voices, load_engine, own_voice

from ..parts import Mouth
from ..work import Executor
from .own import OwnMouth, Read
from .tone import ToneMouth

HELP = "any engine (see: synth engines), ENGINE:VOICE, own or tone"


def load_mouth(
    name: str,
    executor: Executor,
    *,
    voice: str | None = None,
    consent: str = "",
    speed: float = 1.0,
    language: str = "en",
    read: Callable[[str], Read] | None = None,
) -> Mouth:
    """The mouth of this name.

    Args:
        name: one of `HELP`.
        executor: gives the lane in which it makes sound.
        voice: a voice of the bank or of the engine by its id; `DIR#ID` of a folder of references; or a sound file
            with a voice to imitate. None takes the engine's own.
        consent: for a sound file: what its speaker agreed to, as is noted with every recording.
        speed: 1 is the voice's own.
        language: ISO 639-1 code.
        read: how `own` reads a text aloud.

    Raises:
        ValueError: there is no such mouth or voice, or it cannot be had; the message says what to type.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"a voice's speed is from {SLOWEST:g} to {FASTEST:g}, not {speed:g}")
    if name == "tone":
        return ToneMouth(executor, speed)
    if name == "own":
        if read is None:
            raise ValueError("the mouth own needs the full-duplex model to speak with")
        return OwnMouth(read, executor)
    engine, voice = _engine_and_voice(name, voice, language)
    chosen = pick_voice(engine, voice, consent, language)
    from .engine import EngineMouth

    return EngineMouth(name, load_engine(engine, language), chosen, executor, speed=speed, language=language)


def _engine_and_voice(name: str, voice: str | None, language: str) -> tuple[str, str | None]:
    """`ENGINE:VOICE` in its parts, where it is no engine's own name."""
    try:
        engine_entry(name)
    except ValueError as error:
        kind, _, rest = name.partition(":")
        try:
            known = engine_voices(kind, language=language) if rest and voice is None else {}
        except ValueError:
            known = {}
        if rest not in known:
            raise ValueError(f"no mouth is called {name!r}: {error}") from None
        return kind, rest
    return name, voice


def pick_voice(engine: str, voice: str | None, consent: str, language: str) -> ReferenceVoice:
    """The voice that is meant. Raises ValueError, saying which there are."""
    folder, _, id = (voice or "").partition("#")
    if voice is not None and id:
        return _listed(engine_voices(engine, (Path(folder).expanduser(),), language), id, engine)
    if voice is not None and Path(voice).expanduser().is_file():
        return _recorded(engine, Path(voice).expanduser(), consent, language)
    known = engine_voices(engine, language=language)
    if voice is not None:
        return _listed(known, voice, engine)
    try:
        own = own_voice(engine)
    except ValueError:
        return next(iter(known.values()))
    return known.get(own.voice.id, own)


def _listed(known: dict[str, ReferenceVoice], id: str, engine: str) -> ReferenceVoice:
    if id not in known:
        raise ValueError(
            f"engine {engine} has no voice {id!r}{suggestion(id, known)}; type: synth engines voices {engine}"
        )
    return known[id]


def _recorded(engine: str, clip: Path, consent: str, language: str) -> ReferenceVoice:
    """A sound file as a voice to imitate; whoever's it is has to agree."""
    if not engine_entry(engine).clones:
        raise ValueError(f"engine {engine} does not imitate a recording; choose one that does: synth engines")
    if not consent.strip():
        raise ValueError(f'{clip.name} is somebody\'s voice: say with consent = "..." what its speaker agreed to')
    check_reference(clip)
    said = Voice(
        id=clip.stem, kind="cloned", engine=engine, licence="not stated", source=clip.name, consent=consent.strip()
    )
    return ReferenceVoice(said, clip, None, language)
