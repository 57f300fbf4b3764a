"""The full-duplex model and its conversations."""

from .checkpoints import load_model
from .config import ModelConfig
from .model import Frame, LanguageModel, ModelState
from .predictor import Output
from .presets import laptop, moshi_7b, tiny
from .sampling import GREEDY, Sampling

__all__ = [
    "GREEDY",
    "Frame",
    "LanguageModel",
    "ModelConfig",
    "ModelState",
    "Output",
    "Sampling",
    "laptop",
    "load_model",
    "moshi_7b",
    "tiny",
]
