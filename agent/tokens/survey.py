"""What a corpus holds, found before any work is done on it: what cannot be used is told, counted or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .take import Take

CLAIM = 0.5, 0.01  # seconds and share by which a manifest's duration may be off


@dataclass(frozen=True)
class Survey:
    """The recordings that have a length, in order."""

    ids: tuple[str, ...]
    seconds: tuple[float, ...]
    texts: tuple[str, ...]  # of every side of every recording, if asked for
    told: tuple[str, ...]  # lines about what is odd


def survey(corpus: Path, takes: Iterable[Take], resample: bool, texts: bool, wordless: bool = False) -> Survey:
    """Look at every recording and list of words.

    Args:
        corpus: where they are from, for messages.
        takes: to look at.
        resample: whether other rates than 24 kHz are fine.
        texts: whether to keep what is said.
        wordless: whether it is meant that the agent says nothing.

    Raises:
        ValueError: one cannot be tokenized, the agent says nothing in any, none holds sound, or words have no times
            within their recordings.
    """
    ids, seconds, said, odd = list[str](), list[float](), list[str](), Counter[str]()
    for take in takes:
        length = take.seconds(resample)
        if not length:
            odd["empty"] += 1
            continue
        ids.append(take.id)
        seconds.append(length)
        odd["silent"] += take.is_silent()
        odd["wordless"] += not any(word.text.strip() for word in take.said(agent=True))
        odd["words"] += len(take.words)
        odd["late"] += sum(word.start >= length for word in take.words)
        if take.claimed is not None and abs(take.claimed - length) > max(CLAIM[0], CLAIM[1] * length):
            odd["claims"] += 1
        if texts:
            said += take.texts
    if wordless:
        del odd["wordless"]
    _refuse(corpus, len(ids), odd)
    return Survey(tuple(ids), tuple(seconds), tuple(said), tuple(_told(len(ids), odd)))


def _refuse(corpus: Path, count: int, odd: Counter[str]) -> None:
    if not count:
        raise ValueError(f"{corpus} holds no recordings" + (f" but {odd['empty']} empty files" if odd["empty"] else ""))
    if odd["silent"] == count:
        raise ValueError(f"nothing is left to learn from: all {count} recordings in {corpus} hold only silence")
    if odd["wordless"] == count:
        raise ValueError(
            f"the agent says no word in any of {count} recordings in {corpus}: its words are those of the first "
            "channel, SPEAKER_MAIN's in moshi-finetune's layout, A's in J-Moshi's; --wordless where that is meant"
        )
    if odd["late"] > odd["words"] / 2:
        raise ValueError(
            f"{odd['late']} of {odd['words']} words in {corpus} begin after the end of their recording: times are "
            "seconds, are these milliseconds?"
        )


def _told(count: int, odd: Counter[str]) -> list[str]:
    lines = {
        "empty": "{} empty files were left out",
        "silent": f"{{}} of {count} recordings hold only silence",
        "wordless": f"in {{}} of {count} recordings the agent says no word",
        "late": f"{{}} of {odd['words']} words begin after the end of their recording and are lost",
        "claims": "{} durations in the manifest are not those of the files, which count",
    }
    return [line.format(odd[name]) for name, line in lines.items() if odd[name]]
