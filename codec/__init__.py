"""The streaming codec: waveform <-> tokens at 12.5 frames a second."""

from typing import TYPE_CHECKING

from corpus.lazy import lazy

if TYPE_CHECKING:
    from .config import CodecConfig, laptop, mimi
    from .model import Codec, CodecState

__all__ = ["Codec", "CodecConfig", "CodecState", "laptop", "mimi"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "CodecConfig": "config",
        "laptop": "config",
        "mimi": "config",
        "Codec": "model",
        "CodecState": "model",
    },
)
