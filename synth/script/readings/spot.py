"""Where in a text a rule looks, and what a rule is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .say import Say

END = r"(?=[,.?!;:…)\]»]*(?:\s|$|[—–]))"  # after what is read, a word ends
_EDGE = ",.?!;:…()[]«»"


@dataclass(frozen=True)
class Spot:
    """A match in its text: what stands before and after it, as bare tokens (empty where nothing does)."""

    say: Say
    text: str
    start: int
    end: int

    @property
    def before(self) -> str:
        """The token before; empty where a sentence begins."""
        return self._back(1)

    @property
    def earlier(self) -> str:
        """The token before that one."""
        return self._back(2)

    @property
    def after(self) -> str:
        """The token behind; empty where a mark stands between."""
        rest = self.text[self.end :]
        if not rest or not rest[0].isspace():
            return ""
        return rest.split(maxsplit=1)[0].strip(_EDGE) if rest.strip() else ""

    @property
    def noun(self) -> str:
        """The noun that a number here counts; empty where it counts none."""
        return self.after if self.say.is_noun(self.after) else ""

    def _back(self, count: int) -> str:
        tokens = self.text[: self.start].split()
        for token in tokens[-count:]:
            if token[-1] in ".?!":
                tokens = tokens if token is not tokens[-1] and count == 1 else []
                break
        return tokens[-count].strip(_EDGE) if len(tokens) >= count else ""


Reader = Callable[[re.Match[str], Spot], "str | None"]
Rule = tuple[re.Pattern[str], Reader]


def rule(pattern: str, reader: Reader, *, closed: bool = True) -> Rule:
    """A rule for a pattern that begins where a token does and, if `closed`, ends where one ends."""
    return re.compile(pattern + (END if closed else "")), reader
