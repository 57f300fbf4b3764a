"""The full-duplex model and its conversations."""

from typing import TYPE_CHECKING

from corpus.lazy import lazy

if TYPE_CHECKING:
    from .files.bundle import Bundle, load_bundle
    from .files.checkpoints import load_model
    from .live.batch import Batch
    from .model.config import ModelConfig
    from .model.language_model import Frame, LanguageModel, ModelState
    from .model.predictor import Output
    from .model.presets import laptop, moshi_7b, tiny
    from .model.sampling import GREEDY, Sampling
    from .offline.hear import hear
    from .offline.say import say

__all__ = [
    "GREEDY",
    "Batch",
    "Bundle",
    "Frame",
    "LanguageModel",
    "ModelConfig",
    "ModelState",
    "Output",
    "Sampling",
    "hear",
    "laptop",
    "load_bundle",
    "load_model",
    "moshi_7b",
    "say",
    "tiny",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Bundle": "files.bundle",
        "load_bundle": "files.bundle",
        "load_model": "files.checkpoints",
        "Batch": "live.batch",
        "ModelConfig": "model.config",
        "Frame": "model.language_model",
        "LanguageModel": "model.language_model",
        "ModelState": "model.language_model",
        "Output": "model.predictor",
        "laptop": "model.presets",
        "moshi_7b": "model.presets",
        "tiny": "model.presets",
        "GREEDY": "model.sampling",
        "Sampling": "model.sampling",
        "hear": "offline.hear",
        "say": "offline.say",
    },
)
