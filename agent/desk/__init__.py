"""A conversation at the desk: microphone and loudspeaker (`microphone`, `line`), `echo` removed, on the `screen`."""

from .talk import Talk

__all__ = ["Talk"]
