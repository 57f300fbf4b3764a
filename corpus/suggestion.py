"""What to say after a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest valid name, or all of them when none is near."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; valid: {', '.join(names)}"


def all_names(name: str, valid: Iterable[str]) -> str:
    """As `suggestion`, with all valid names whether one is near or not."""
    near, names = suggestion(name, valid), f"; valid: {', '.join(sorted(valid))}"
    return near if near == names else near.removesuffix("?") + "?" + names.replace("; ", " ", 1)
