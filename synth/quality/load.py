"""The gates of a recipe with their models, loaded only where a recipe shuts any: they need PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engines import Engine, load_engine
from .settings import QualitySettings

if TYPE_CHECKING:
    from .control import Control


def load_control(settings: QualitySettings, engine: Engine, language: str) -> Control | None:
    """What speaks behind the gates; None if all are off.

    Raises:
        ValueError: a gate's package or model is missing, or the other engine cannot be had; nothing has been made yet.
    """
    if not settings.gates:
        return None
    try:
        from .control import Control
        from .gates import Gates
    except ImportError as error:
        raise ValueError(f"quality gates need {error.name}: pip install 'duologue[codec,evaluate]'") from None
    fallback = load_engine(settings.fallback, language) if settings.fallback else None
    return Control(Gates(settings, language), engine, fallback)
