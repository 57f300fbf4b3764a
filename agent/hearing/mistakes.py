"""What a recognizer makes of words: pairs of what was said and heard, gathered where it heard strangers."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from corpus.durable import replace_text

from .recognizer import find_recognizer

FILE = "mistakes.json"


@dataclass(frozen=True)
class Mistakes:
    """For a word, what was heard in its place whenever it was misheard: no words, one or several."""

    of_words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, name_or_folder: str | Path) -> Mistakes:
        """Those gathered for a recognizer, none where there is no such file. Raises ValueError without a recognizer."""
        path = find_recognizer(name_or_folder) / FILE
        return cls(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})

    @classmethod
    def gathered(cls, pairs: Iterable[tuple[str, str]]) -> Mistakes:
        """Of utterances as they were said and as they were heard."""
        found: dict[str, list[str]] = {}
        for said, heard in pairs:
            one, other = said.split(), heard.split()
            for kind, i, j, k, m in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
                if kind in ("replace", "delete"):
                    for word, instead in zip(one[i:j], _shared_out(one[i:j], other[k:m]), strict=True):
                        found.setdefault(word, []).append(instead)
        return cls({word: sorted(heard) for word, heard in sorted(found.items())})

    def save(self, folder: Path) -> None:
        """Write the file beside a recognizer."""
        replace_text(folder / FILE, json.dumps(self.of_words, indent=0, ensure_ascii=False) + "\n")

    def heard(self, word: str, wrong: float, generator: np.random.Generator) -> list[str]:
        """What is heard of a word with a chance of `wrong` to be misheard; of an unknown one nothing, or something."""
        if generator.random() >= wrong:
            return [word]
        known = self.of_words.get(word)
        if known is None and self.of_words:
            known = self.of_words[list(self.of_words)[int(generator.integers(len(self.of_words)))]]
        return known[int(generator.integers(len(known)))].split() if known else []


def _shared_out(said: Sequence[str], heard: Sequence[str]) -> list[str]:
    """What was heard in place of several words, for each of them, by their lengths."""
    shares: list[list[str]] = [[] for _ in said]
    if heard:
        lengths = np.array([len(word) for word in heard])
        ends, middles = np.cumsum([len(word) for word in said]), np.cumsum(lengths) - lengths / 2
        for word, place in zip(heard, np.searchsorted(ends * lengths.sum(), middles * ends[-1], "right"), strict=True):
            shares[place].append(word)
    return [" ".join(share) for share in shares]
