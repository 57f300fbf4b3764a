"""A text that arrives piece by piece, cut into clauses to speak: the first short, so that it sounds soon.

A mouth speaks whole clauses, and its time grows with their words. So the first clause ends at the first mark of any
kind, or before a joining word if none comes; later ones are sentences, or parts of long ones. Inside numbers, links and
abbreviations nothing ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FEWEST_FIRST, MOST_FIRST = 2, 7  # words of the first clause; from MOST_FIRST on it ends before a joining word
FEWEST, LONG, LONGEST = 4, 14, 30  # of a later one: at least; from here at any mark; at most
_ENDS = re.compile(r"""[.?!…。？！]+["'”’)\]*_]*(?=\s)|\n\s*""")
_MARKS = re.compile(r"""[,;:–—、，；：]["'”’)\]*_]*(?=\s)|\s[-–—](?=\s)""")
_JOINS = re.compile(r"\s(?=(?:and|but|or|so|because|which|that|when|while|if|as|who|where|with|for|to|in|on|of)\s)")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|No|Nr|e\.g|i\.e|approx|etc|[A-Z](?:\.[A-Z])*)\.$"
)
_NUMBERED = re.compile(r"(?:^|\n)\s*(?:\d{1,2}\.|[-*+•])$")
_FENCE = "```"


class ClauseCutter:
    """Feed it text; it hands back each clause as soon as it is certain to be whole. Code in fences is no clause."""

    def __init__(self) -> None:
        self._text = self._blank = ""
        self._first = True
        self._code = False

    def feed(self, text: str) -> Iterator[str]:
        """The clauses that are complete with this text."""
        self._text += text
        while (clause := self._next()) is not None:
            if clause.strip():
                self._first = False
                yield self._blank + clause
            self._blank = "" if clause.strip() else self._blank + clause

    def finish(self) -> str:
        """What is left when nothing more comes; perhaps nothing."""
        rest, self._text = ("" if self._code else self._text), ""
        return self._blank + rest if rest.strip() else ""

    def _next(self) -> str | None:
        fence = self._text.find(_FENCE)
        if self._code:
            if fence < 0:
                self._text = self._text[-2:]  # a fence may be half there
                return None
            self._code, self._text = False, self._text[fence + len(_FENCE) :]
            return ""
        if fence == 0:
            self._code, self._text = True, self._text[len(_FENCE) :]
            return ""
        cut = self._cut(self._text if fence < 0 else self._text[:fence])
        if cut is None:
            if fence < 0:
                return None
            cut = fence
        clause, self._text = self._text[:cut], self._text[cut:]
        return clause

    def _cut(self, text: str) -> int | None:
        """Where the first clause of the text ends; None if that is still open."""
        sentence = next(_ends(_ENDS, text), None)
        whole = text if sentence is None else text[:sentence]
        if self._first:
            return self._early(whole) or sentence
        if len(whole.split()) <= (LONG if sentence is None else LONGEST):
            return sentence
        return self._late(whole) or sentence

    @staticmethod
    def _early(text: str) -> int | None:
        """The first mark of a sentence after two words, or a joining word once it has many."""
        mark = next((end for end in _ends(_MARKS, text) if len(text[:end].split()) >= FEWEST_FIRST), None)
        if mark is not None and len(text[:mark].split()) <= MOST_FIRST:
            return mark
        if len(text.split()) <= MOST_FIRST + 1:
            return None
        joins = (match.start() + 1 for match in _JOINS.finditer(text))
        return next((at for at in joins if FEWEST <= len(text[:at].split()) <= MOST_FIRST), mark)

    @staticmethod
    def _late(text: str) -> int | None:
        """A mark after half of a long sentence, or a joining word in one that is far too long."""
        marks = (end for end in _ends(_MARKS, text) if len(text[:end].split()) >= LONG // 2)
        if (mark := next(marks, None)) is not None or len(text.split()) <= LONGEST:
            return mark
        joins = (match.start() + 1 for match in _JOINS.finditer(text))
        return next((at for at in joins if len(text[:at].split()) >= LONG), None)


def _ends(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    for match in pattern.finditer(text):
        before = text[: match.end()].rstrip()
        if match[0].startswith(".") and (_ABBREVIATED.search(before) or _NUMBERED.search(before)):
            continue
        if before.strip() or match.end() == len(text):
            yield match.end()
