"""A conversation at the desk: microphone and loudspeaker (`microphone`, `line`), `echo` removed, on the `screen`."""

from .talk import DeskTalk

__all__ = ["DeskTalk"]
