"""Piper's voices on the hub, by name: which files they are, and one voice of ours for each speaker in them.

`piper:en_US-libritts_r-medium` has 904 speakers, `piper:en_GB-vctk-medium` 109; `piper:NAME#SPEAKER` is one of them.
The licence is that of the dataset, as the voice's MODEL_CARD states it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.record import UNSTATED

from .declaration import HubWeights, OwnVoice, PiperDeclaration
from .weights import cached

REPO = "rhasspy/piper-voices"
CARD = "MODEL_CARD"
LISTING = HubWeights(repo=REPO, files=("voices.json",))  # every voice there is, once it is fetched
_KNOWN = ("de_DE-thorsten-medium", "en_GB-vctk-medium", "en_US-libritts_r-medium", "en_US-ryan-medium")  # without it
NAME = re.compile(r"(?P<language>[a-z]{2,3})_(?P<region>[A-Z]{2})-(?P<dataset>[A-Za-z0-9_]+)-(?P<quality>[a-z_]+)")
_LICENCES = (  # how cards write them, in lower case -> SPDX
    (r"cc0|public domain", "CC0-1.0"),
    (r"cc[ -]?by[ -]?4", "CC-BY-4.0"),
    (r"cc[ -]?by[ -]?3", "CC-BY-3.0"),
    (r"apache", "Apache-2.0"),
    (r"\bmit\b", "MIT"),
    (r"bsd", "BSD-3-Clause"),
)
_RESTRICTED = r"\bnc\b|non-?commercial|\bsa\b|share-?alike|\bnd\b"


def is_hub_voice(argument: str) -> bool:
    """Whether what follows `piper:` is a name as the hub's voices have, with or without #SPEAKER."""
    return NAME.fullmatch(argument.partition("#")[0]) is not None


def hub_voices(language: str) -> tuple[dict[str, int], bool]:
    """The hub's voices of a language, by name with the number of their speakers (0: not known), and whether it is all.

    Args:
        language: ISO 639-1 code.

    Raises:
        ValueError: the fetched listing is none.
    """
    listing = cached(LISTING.repo, LISTING.files[0])
    if listing is None:
        return {name: 0 for name in _KNOWN if name.startswith(f"{language}_")}, False
    try:
        content: dict[str, Any] = json.loads(listing.read_text(encoding="utf-8"))
        counts = {name: int(voice["num_speakers"]) for name, voice in content.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{listing} is not the listing of Piper's voices: {error!r}") from None
    return {name: count for name, count in sorted(counts.items()) if name.startswith(f"{language}_")}, True


def hub_weights(argument: str) -> tuple[HubWeights, ...]:
    """The files of a voice on the hub."""
    name = argument.partition("#")[0]
    match = NAME.fullmatch(name)
    assert match is not None, "asked only of names that are one"
    language, region, dataset, quality = match.groups()
    folder = f"{language}/{language}_{region}/{dataset}/{quality}"
    files = (f"{folder}/{name}.onnx", f"{folder}/{name}.onnx.json", f"{folder}/{CARD}")
    return (HubWeights(repo=REPO, files=files),)


def hub_declaration(argument: str) -> PiperDeclaration | None:
    """The voice as a declared engine, all of its speakers or the one that is named; None before it is fetched.

    Raises:
        ValueError: a file of it is not what it should be, or it has no such speaker.
    """
    weights = hub_weights(argument)
    paths = [cached(part.repo, file, part.revision) for part in weights for file in part.files]
    if not all(paths):
        return None
    name, _, wanted = argument.partition("#")
    _, config, card = (Path(path) for path in paths if path)
    speakers = speakers_of(config)
    if wanted and wanted not in speakers and not (wanted.isdecimal() and int(wanted) in speakers.values()):
        shown = ", ".join([*speakers][:8])
        raise ValueError(f"{name} has no speaker {wanted!r}; it has {len(speakers)}: {shown}, ...")
    chosen = {one: number for one, number in speakers.items() if wanted in ("", one, str(number))}
    licence, source = stated_rights(card.read_text(encoding="utf-8", errors="replace"))
    match = NAME.fullmatch(name)
    assert match is not None, "asked only of names that are one"
    language = match["language"]
    voices = tuple(
        OwnVoice(
            id=re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{match['dataset']}-{speaker}"),
            name=f"{name}.onnx#{number}",
            language=language,
            licence=licence,
            consent=f"speaker {speaker} of a published dataset: {source}",
            source=f"Piper voice {name}, {source}",
        )
        for speaker, number in chosen.items()
    )
    return PiperDeclaration(
        name=name.replace("+", "-"), languages=(language,), licence_weights=licence, weights=weights, voice=voices
    )


def speakers_of(config: Path) -> dict[str, int]:
    """Speakers by name, with their numbers; one called "0" where a voice names none. Raises ValueError."""
    try:
        content: Mapping[str, Any] = json.loads(config.read_text(encoding="utf-8"))
        named: dict[str, int] = content.get("speaker_id_map") or {}
        count = int(content.get("num_speakers", 1))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{config} is not the JSON file of a Piper voice: {error!r}") from None
    return dict(named) or {str(number): number for number in range(count)}


def stated_rights(card: str) -> tuple[str, str]:
    """SPDX id of the licence a MODEL_CARD states, `not stated` where it is none of the free ones, and its source."""
    rows = dict(re.findall(r"^\W*(licen[cs]e|url)\W*:\s*(\S.*?)\s*$", card, re.IGNORECASE | re.MULTILINE))
    stated = {key.lower().replace("license", "licence"): value for key, value in rows.items()}
    said = stated.get("licence", "").lower()
    known = next((spdx for pattern, spdx in _LICENCES if re.search(pattern, said)), "")
    licence = known if known and not re.search(_RESTRICTED, said) else f"{UNSTATED} ({stated.get('licence', '-')})"
    return licence, stated.get("url", REPO)
