"""What a speech recognizer hears: a loss on the features of a frozen Whisper encoder, with a gradient to the audio.

The decoder learns to keep what tells words apart where spectra alone would blur it (the idea of JHCodec's
reconstruction loss on self-supervised features). The recognizer is no part of the codec and is not saved with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from corpus.audio import SAMPLE_RATE

WHISPER_RATE = 16_000  # Hz; its bands end at half of that
WINDOW, HOP = SAMPLE_RATE * 25 // 1000, SAMPLE_RATE // 100  # Whisper's 25 and 10 ms: the same bins at 24 kHz
LONGEST_SECONDS = 30.0
RANGE = 8.0  # decades under the loudest band that are told apart
SMALLEST_SPREAD = 1e-3


class RecognizerLoss:
    """The encoder of a Whisper folder in Hugging Face's form; nothing is downloaded.

    It is no `nn.Module`, so that its weights are neither trained nor saved along with what it judges.
    """

    def __init__(self, model: str | Path, device: str | torch.device = "cpu") -> None:
        """Load and freeze. Raises ValueError when the folder holds no Whisper model."""
        try:
            from transformers import WhisperModel
            from transformers.audio_utils import mel_filter_bank
        except ModuleNotFoundError:
            raise ValueError("the recognizer needs transformers: pip install transformers") from None
        if not Path(model).is_dir():
            raise ValueError(f"{model} is no folder; the recognizer is a Whisper folder in Hugging Face's form")
        try:
            loaded: Any = WhisperModel.from_pretrained(str(model), local_files_only=True)
        except (OSError, ValueError) as error:
            raise ValueError(f"{model} holds no Whisper model of Hugging Face's form: {_first_line(error)}") from None
        if loaded.config.model_type != "whisper":
            raise ValueError(f"{model} holds a {loaded.config.model_type}, not a Whisper model")
        self._encoder: Any = loaded.get_encoder().float().to(device).eval().requires_grad_(False)
        bins, top = 1 + WHISPER_RATE * 25 // 1000 // 2, WHISPER_RATE / 2
        filters = mel_filter_bank(bins, loaded.config.num_mel_bins, 0.0, top, WHISPER_RATE, "slaney", "slaney")
        self._filters = torch.from_numpy(filters.T).float().to(device)
        self._window = torch.hann_window(WINDOW, device=device)

    def features(self, audio: Tensor) -> list[Tensor]:
        """Output of every encoder layer for `[B, T]` at 24 kHz: each `[B, F, D]` at 50 Hz, the last one normalized.

        Raises:
            ValueError: longer than the 30 s that Whisper hears at once.
        """
        encoder = self._encoder
        if audio.shape[-1] > LONGEST_SECONDS * SAMPLE_RATE:
            raise ValueError(f"the recognizer hears at most {LONGEST_SECONDS:.0f} s at once: make crops shorter")
        x = functional.gelu(encoder.conv1(self._log_mel(audio)))
        x = functional.gelu(encoder.conv2(x)).transpose(1, 2)
        x = x + encoder.embed_positions.weight[: x.shape[1]]
        layers = []
        for layer in encoder.layers:
            x = layer(x, None)
            layers.append(x)
        return [*layers[:-1], encoder.layer_norm(x)]

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean absolute distance of the features of `[B, T]` from the target's, in standard deviations."""
        with torch.no_grad():
            wanted = self.features(target)
        terms = []
        for ours, theirs in zip(self.features(output), wanted, strict=True):
            spread = theirs.flatten(0, 1).std(0).clamp_min(SMALLEST_SPREAD)
            terms.append(((ours - theirs) / spread).abs().mean())
        return torch.stack(terms).mean()

    def _log_mel(self, audio: Tensor) -> Tensor:
        """Whisper's input `[B, bands, frames]` of `[B, T]`, taken at 24 kHz."""
        stft = torch.stft(audio.float(), WINDOW, HOP, window=self._window, return_complex=True)[..., :-1]
        ratio = WHISPER_RATE / SAMPLE_RATE  # sums over fewer samples at 16 kHz
        power = ratio**2 * (stft.real.square() + stft.imag.square())[:, : self._filters.shape[1]]
        bands = (self._filters @ power).clamp_min(1e-10).log10()
        bands = torch.maximum(bands, bands.amax(dim=(1, 2), keepdim=True) - RANGE)
        return (bands + 4.0) / 4.0


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
