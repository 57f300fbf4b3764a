"""The full-duplex model itself: text, agent and user streams in, the next frame of them out.

`config` holds the architecture, `presets` full configurations, `streams` which row of a frame is what and how delays
are undone. `predictor` reads whole sequences (training), `language_model` goes frame by frame (talking); both are made
of `temporal` and `depth`. `sampling` chooses tokens with noise that is part of the state; `quantized` and `lora` are
other forms of the same matrices.
"""

from .config import ModelConfig
from .language_model import Frame, LanguageModel, ModelState
from .predictor import Output, Predictor
from .presets import laptop, moshi_7b, tiny
from .sampling import GREEDY, Sampling

__all__ = [
    "GREEDY",
    "Frame",
    "LanguageModel",
    "ModelConfig",
    "ModelState",
    "Output",
    "Predictor",
    "Sampling",
    "laptop",
    "moshi_7b",
    "tiny",
]
