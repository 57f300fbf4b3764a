"""The voice bank: whose voices there are, what may be done with them, and which two make a pair.

A bank is a folder with sound files and a list of them. The one that ships is `voice_bank/`; a user's own folder holds
reference clips and a `voices.toml`:

    [[voice]]
    id = "anna-f"
    file = "anna.wav"          # 3 s of clean speech or more
    licence = "CC-BY-4.0"      # of the recording
    consent = "written consent of 2024-05-02"
    language = "en"            # optional, as are gender, source and text (what the clip says)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from corpus.audio import SAMPLE_RATE
from corpus.record import Voice
from corpus.strict import Strict, load_json, load_toml
from corpus.suggestion import suggestion

from ..engines.catalogue import EngineEntry, engine_entry
from ..engines.protocol import ReferenceVoice
from ..engines.voice_profile import VoiceProfile, distance
from .entry import BankEntry, Side, check_reference
from .store import stored_entries

BANK = Path(__file__).parent / "voice_bank"
LIST = "voices.toml"
DIFFERENT = 0.8  # distance from which two voices are told apart without effort


class VoiceList(Strict):
    """The content of voices.toml."""

    voice: tuple[BankEntry, ...] = ()


def load_bank(
    folders: Sequence[Path] = (), engine: str = "piper", side: Side | None = None
) -> dict[str, ReferenceVoice]:
    """Every voice an engine can speak with: the bank's, the engine's own, and those of the user's folders.

    Each `voice` says what will be heard: a recorded voice, a clone, or a pseudo-speaker. `side` keeps only one side of
    the folders' splits into voices to train with and voices to judge with.

    Raises:
        ValueError: the engine is unknown; a folder has no valid list; a clip cannot be used; an id is given twice.
    """
    kind = engine_entry(engine)
    entries = [(BANK, entry) for entry in _shipped() if entry.engine in ("", engine)]
    for folder in folders:
        entries += [(Path(folder), entry) for entry in _listed(Path(folder), side)]
    bank: dict[str, ReferenceVoice] = {}
    for folder, entry in entries:
        if entry.id in bank:
            raise ValueError(f"two voices are called {entry.id!r}; rename the one in {folder}")
        bank[entry.id] = _reference(folder, entry, engine, kind)
    return bank


def own_voice(engine: str) -> ReferenceVoice:
    """The voice an engine was built with. Raises ValueError if the bank lists none."""
    for entry in _shipped():
        if entry.engine == engine:
            return _reference(BANK, entry, engine, engine_entry(engine))
    raise ValueError(f"engine {engine} has no voice of its own; give it a reference")


def pick_pair(
    bank: Mapping[str, ReferenceVoice], rng: random.Random, agent_ids: Sequence[str] = (), user_ids: Sequence[str] = ()
) -> tuple[ReferenceVoice, ReferenceVoice]:
    """Draw the voices of the agent and the user, told apart easily where the choice allows it.

    Args:
        bank: voices by id.
        agent_ids, user_ids: voices to draw from; empty for the whole bank.

    Raises:
        ValueError: an id is not in the bank, or there are not two voices to draw.
    """
    agents, users = (_chosen(bank, ids) for ids in (agent_ids, user_ids))
    agents = [agent for agent in agents if any(user is not agent for user in users)]
    if not agents:
        raise ValueError("a dialogue needs two voices; add one to the recipe's voices")
    agent = rng.choice(agents)
    others = [(user, _distance(agent, user)) for user in users if user is not agent]
    different = [user for user, far in others if far >= DIFFERENT]
    return agent, rng.choice(different) if different else max(others, key=lambda other: other[1])[0]


def _chosen(bank: Mapping[str, ReferenceVoice], ids: Iterable[str]) -> list[ReferenceVoice]:
    chosen = sorted(set(ids)) or sorted(bank)
    for id in chosen:
        if id not in bank:
            raise ValueError(f"the voice bank has no voice {id!r}{suggestion(id, bank)}")
    return [bank[id] for id in chosen]


def _distance(one: ReferenceVoice, other: ReferenceVoice) -> float:
    if one.profile is None or other.profile is None:
        return DIFFERENT  # nothing measured: another speaker is another voice
    return distance(one.profile, other.profile)


@lru_cache(maxsize=1)
def _shipped() -> tuple[BankEntry, ...]:
    return load_json(BANK / "bank.json", tuple[BankEntry, ...])


def _listed(folder: Path, side: Side | None) -> list[BankEntry]:
    """The voices of a user's folder, their clips checked and measured: a bank of `synth voices`, or a list by hand."""
    if (folder / "bank.json").exists():
        return stored_entries(folder, side)
    if side is not None:
        raise ValueError(f"{folder} has no split of its voices; make it a bank: synth voices add, then split")
    path = folder / LIST
    if not path.is_file():
        raise ValueError(f"{folder} has no readable {LIST}; list the voices in it (see synth/voices/bank.py)")
    entries = []
    for entry in load_toml(path, VoiceList, "list of voices").voice:
        if not entry.file or not entry.licence.strip() or not entry.consent.strip():
            raise ValueError(f"{path}: voice {entry.id!r} needs a file, a licence and a consent")
        entries.append(entry.model_copy(update={"profile": _measured(folder / entry.file)}))
    if not entries:
        raise ValueError(f"{path} lists no [[voice]]")
    return entries


def _measured(path: Path) -> VoiceProfile | None:
    """The profile of a checked clip; None where pyworld, which only pseudo-speakers need, is missing."""
    samples = check_reference(path)
    try:
        from ..engines.pseudo.speaker import measure
    except ModuleNotFoundError:
        return None
    return measure(samples, SAMPLE_RATE)


def moved_towards(reference: Voice, base: Voice, engine: str) -> Voice:
    """What is heard when an engine's base voice is moved towards a reference: a pseudo-speaker."""
    return reference.model_copy(
        update={
            "kind": "pseudo-speaker",
            "engine": engine,
            "licence": f"{reference.licence} (reference), {base.licence} (base voice {base.id})",
            "source": f"{base.source}; moved towards {reference.source}",
        }
    )


def _reference(folder: Path, entry: BankEntry, engine: str, kind: EngineEntry) -> ReferenceVoice:
    voice = Voice(
        id=entry.id,
        kind="recorded" if not entry.file else "cloned" if kind.clones else "pseudo-speaker",
        engine=engine,
        licence=entry.licence,
        source=entry.source or entry.file,
        consent=entry.consent,
    )
    if voice.kind == "pseudo-speaker":
        voice = moved_towards(voice, own_voice(engine).voice, engine)
    audio = folder / entry.file if entry.file else None
    return ReferenceVoice(voice, audio, entry.text, entry.language, entry.gender, entry.profile)
