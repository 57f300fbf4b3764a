"""The topic families, one file each: every scene starts with a line of the user and ends with one of the agent."""

from __future__ import annotations

from collections.abc import Callable

from ..talk import Talk
from . import booking, checkable, directions, howto, opinion, shop, small_talk, story, support

Scene = Callable[[Talk], None]

SCENES: dict[str, tuple[Scene, ...]] = {
    "small_talk": small_talk.SCENES,
    "booking": booking.SCENES,
    "directions": directions.SCENES,
    "howto": howto.SCENES,
    "support": (*support.SCENES, *shop.SCENES),
    "story": story.SCENES,
    "opinion": opinion.SCENES,
    "checkable": checkable.SCENES,
}
FAMILIES = tuple(SCENES)
