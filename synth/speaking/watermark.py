"""An inaudible mark in synthetic speech, by which it can be recognised later: AudioSeal (San Roman et al. 2024).

The wheel `audioseal` brings the networks' code and no weights. Those are `generator_base.pth` and `detector_base.pth`
of the repository facebook/audioseal on the Hugging Face hub (MIT). They are read as plain tensors: nothing in the files
is executed.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, resample
from corpus.durable import sha256_of

RATE = 16_000  # Hz, of the networks
MESSAGE_BITS = 16
CARDS = {"generator": "audioseal_wm_16bits", "detector": "audioseal_detector_16bits"}
WEIGHTS = "https://huggingface.co/facebook/audioseal (generator_base.pth, detector_base.pth; MIT)"
_CHUNK = 60.0  # s marked at once: the networks hold all of it in memory

Part = Literal["generator", "detector"]


class Watermark:
    """Marks speech with a message of 16 bits."""

    def __init__(self, weights: str | Path, message: int = 0) -> None:
        """Load the generator.

        Args:
            weights: `generator_base.pth`.
            message: 0 to 65535, found again by the detector.

        Raises:
            ValueError: the wheel or the weights are missing or unreadable, or the message is out of range.
        """
        if not 0 <= message < 2**MESSAGE_BITS:
            raise ValueError(f"a watermark's message is 0 to {2**MESSAGE_BITS - 1}, not {message}")
        self.message = message
        self._network = _load("generator", Path(weights))
        self.version = f"audioseal-{sha256_of(Path(weights))[:8]}-{message}"  # part of what decides a corpus's bytes

    def mark(self, audio: Samples) -> Samples:
        """The same speech, marked: float32 `[C, T]` at 24 kHz, every channel by itself. Silence stays silence."""
        return np.stack([self._marked(channel) for channel in audio])

    def _marked(self, channel: Samples) -> Samples:
        import torch
        from audioseal.libs.moshi.utils.compile import no_compile

        bits = torch.tensor([[self.message >> place & 1 for place in range(MESSAGE_BITS)]])
        marks = []
        step = int(_CHUNK * SAMPLE_RATE)
        for first in range(0, len(channel), step):
            narrow = torch.from_numpy(resample(channel[first : first + step], SAMPLE_RATE, RATE))[None, None]
            with torch.inference_mode(), no_compile():
                mark = self._network.get_watermark(narrow, sample_rate=RATE, message=bits)[0, 0].numpy()
            wide = resample(np.asarray(mark, np.float32), RATE, SAMPLE_RATE)
            length = len(channel[first : first + step])
            marks.append(np.pad(wide[:length], (0, max(length - len(wide), 0))))
        marked = channel + np.concatenate(marks) * (channel != 0)
        return np.asarray(np.clip(marked, -1.0, 1.0), np.float32)


class WatermarkDetector:
    """Says whether speech is marked, and with what."""

    def __init__(self, weights: str | Path) -> None:
        """Load the detector from `detector_base.pth`. Raises ValueError like `Watermark`."""
        self._network = _load("detector", Path(weights))

    def detect(self, channel: Samples) -> tuple[float, int]:
        """Probability (0 to 1) that audio `[T]` at 24 kHz is marked, and the message read from it."""
        import torch
        from audioseal.libs.moshi.utils.compile import no_compile

        narrow = torch.from_numpy(resample(channel, SAMPLE_RATE, RATE))[None, None]
        with torch.inference_mode(), no_compile():
            share, bits = self._network.detect_watermark(narrow, sample_rate=RATE)
        return float(share), sum(int(bit > 0.5) << place for place, bit in enumerate(bits.flatten().tolist()))


def _load(part: Part, weights: Path) -> Any:
    """One of the networks with its weights, in evaluation mode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of the package's own code
        try:
            import torch
            from audioseal import builder, loader
            from omegaconf import OmegaConf
        except ImportError:
            raise ValueError("watermarks need audioseal; type: pip install 'duologue[watermark]'") from None
        if not weights.is_file():
            raise ValueError(f"there are no watermark weights at {weights}; they are {WEIGHTS}")
        card: Any = OmegaConf.to_container(loader.load_local_model_config(CARDS[part]))
        parse: Any = loader.AudioSeal.parse_config
        if part == "generator":
            network: Any = builder.create_generator(parse(card, builder.AudioSealWMConfig, nbits=MESSAGE_BITS))
        else:
            network = builder.create_detector(parse(card, builder.AudioSealDetectorConfig, nbits=MESSAGE_BITS))
        try:
            with torch.serialization.safe_globals(_plain_settings()):
                stored = torch.load(weights, map_location="cpu", weights_only=True)
            stored = stored.get("best_state", stored)
            state = loader.convert_state_dict_for_scriptable_model(stored.get("model", stored))
            loader.load_state_dict(network, state)
        except Exception as error:  # whatever a file of another kind makes of torch and the loader
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"cannot read {weights} as the {part}'s weights: {reason}") from None
    return network.eval()


def _plain_settings() -> list[Any]:
    """The classes, all of them plain containers, in which the published files keep their training settings."""
    from omegaconf import AnyNode, DictConfig, ListConfig
    from omegaconf.base import ContainerMetadata, Metadata

    return [AnyNode, DictConfig, ListConfig, ContainerMetadata, Metadata, defaultdict, Any, dict, list, int]
