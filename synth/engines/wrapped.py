"""What every engine around another one says of itself: what the base engine does."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol import Engine


@dataclass(frozen=True)
class WrappedEngine:
    """An engine that speaks by another one, `base`."""

    base: Engine

    @property
    def name(self) -> str:
        """The base engine's."""
        return self.base.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The base engine's."""
        return self.base.languages

    @property
    def clones(self) -> bool:
        """False: a voice that is moved or blended is no clone."""
        return False

    @property
    def licence_code(self) -> str:
        """The base engine's."""
        return self.base.licence_code

    @property
    def licence_weights(self) -> str:
        """The base engine's."""
        return self.base.licence_weights

    @property
    def version(self) -> str:
        """The base engine's."""
        return self.base.version
