"""The streaming codec: waveform <-> tokens at 12.5 frames a second."""

from .config import CodecConfig, laptop, mimi
from .model import Codec, CodecState

__all__ = ["Codec", "CodecConfig", "CodecState", "laptop", "mimi"]
