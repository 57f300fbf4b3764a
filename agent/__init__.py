"""The full-duplex model and its conversations."""

from .files.checkpoints import load_model
from .model.config import ModelConfig
from .model.language_model import Frame, LanguageModel, ModelState
from .model.predictor import Output
from .model.presets import laptop, moshi_7b, tiny
from .model.sampling import GREEDY, Sampling

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
