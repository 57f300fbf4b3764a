"""What a user's voice bank keeps in its files besides clips: the voices, their index, the split, what was stated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from corpus.record import UNSTATED
from corpus.strict import Strict

from .entry import BankEntry, Side

BANK_LIST, INDEX, INDEX_LIST, SPLIT = "bank.json", "index.faiss", "index.json", "split.json"
AT_OWN_RISK = f"{UNSTATED} (used at the user's own risk)"  # stored in every recording made with such a voice

ENTRIES = TypeAdapter(list[BankEntry])
_Content = TypeVar("_Content")


class IndexedVoice(Strict):
    """A row of the index: the voice, the checksum of the samples it was made of, and that of its file here."""

    id: str
    clip: str
    file: str


class IndexInfo(Strict):
    """The content of index.json."""

    embedder: str
    voices: tuple[IndexedVoice, ...] = ()


class Split(Strict):
    """The content of split.json: every voice that is in neither list is a training voice."""

    evaluation: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def keeps(self, id: str, side: Side | None) -> bool:
        """Whether a voice is on a side; None is all voices."""
        if side is None:
            return True
        return id in self.evaluation if side == "evaluation" else id not in (*self.evaluation, *self.left_out)


@dataclass(frozen=True)
class VoiceRights:
    """What is stated about the clips that are added together. An empty `speaker` means one speaker a file."""

    licence: str = ""
    consent: str = ""
    source: str = ""
    speaker: str = ""
    language: str = "en"
    at_own_risk: bool = False

    def checked(self) -> VoiceRights:
        """With what is not stated written out, where that is asked for; else ValueError."""
        missing = [name for name in ("licence", "consent") if not getattr(self, name).strip()]
        if missing and not self.at_own_risk:
            options = " ".join(f"--{name} TEXT" for name in missing)
            raise ValueError(
                f"state the {' and the '.join(missing)} of these voices: {options}; "
                "or take them --unlicensed-at-my-own-risk, which every corpus made with them will say"
            )
        return replace(self, licence=self.licence.strip() or AT_OWN_RISK, consent=self.consent.strip() or AT_OWN_RISK)


def listed(entries: Sequence[BankEntry]) -> bytes:
    """The content of bank.json."""
    values = [entry.model_dump(mode="json", exclude_defaults=True) for entry in entries]
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def parsed(path: Path, adapter: TypeAdapter[_Content], default: _Content) -> _Content:
    """The content of a JSON file; `default` where there is none. Raises ValueError when it is broken."""
    if not path.exists():
        return default
    try:
        return adapter.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ValueError(f"{path} is broken: {str(error).splitlines()[0]}") from None
