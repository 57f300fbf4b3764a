"""Users who are people: recordings with transcripts and word times, cut at pauses and laid in place of written lines.

`clips` reads a folder or a manifest, `words` transcribes and times each recording once and keeps that beside it,
`people` groups them by speaker and finds stretches to say, `recast` gives a script's user lines to one of the people.
"""

from .people import People, Person, load_people
from .recast import cast
from .settings import RecordedSettings
from .words import prepare

__all__ = ["People", "Person", "RecordedSettings", "cast", "load_people", "prepare"]
