"""Codecs to stand beside ours in an evaluation: the original, ours, Opus and Codec2, behind one call."""

from __future__ import annotations

import importlib.util
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from corpus.audio import SAMPLE_RATE, Samples, resample

from ..metrics import INSTALL, Skipped
from ..model import Codec

if TYPE_CHECKING:
    from ..runtime import OnnxCodec

ALIGN_SECONDS = 0.08  # a peer's delay is searched up to this


@dataclass(frozen=True)
class Decoded:
    """What came back, `[T]` at 24 kHz like the input, and the bits it took; ms per 80 ms frame, both directions."""

    audio: Samples
    bits: float
    frame_ms: list[float]


class System(Protocol):
    """Something that passes speech on."""

    name: str

    def process(self, audio: Samples) -> Decoded:
        """Encode and decode float32 `[T]` at 24 kHz."""
        ...


class Original:
    """The input as it is: the ceiling."""

    name = "original"

    def process(self, audio: Samples) -> Decoded:
        """16-bit samples at 24 kHz."""
        return Decoded(audio, len(audio) * 16.0, [])


class OurCodec:
    """A codec of ours, streaming frame by frame, with its first `n_q` codebooks (an exported one needs all)."""

    def __init__(self, codec: Codec | OnnxCodec, name: str, n_q: int | None = None) -> None:
        self.codec, self.n_q = codec, n_q or codec.config.quantizer.n_q
        self.name = f"{name}:{n_q}" if n_q else name

    def process(self, audio: Samples) -> Decoded:
        """Frame by frame, the way it runs live; the last frame is zero-padded."""
        codec, size = self.codec, self.codec.config.frame_samples
        padded = np.pad(audio, (0, -len(audio) % size))
        wav = torch.from_numpy(padded)[None, None]
        state, parts, times = codec.init_state(1), [], []
        for frame in torch.split(wav, size, dim=-1):
            start = time.perf_counter()
            codes, state = codec.encode_frame(frame, state)
            out, state = codec.decode_frame(codes[:, : self.n_q], state)
            times.append(1e3 * (time.perf_counter() - start))
            parts.append(out[0, 0])
        decoded = torch.cat(parts).float().numpy()[: len(audio)]
        bits = len(parts) * self.n_q * float(np.log2(codec.config.quantizer.codebook_size))
        return Decoded(decoded, bits, times)


class Opus:
    """Opus (RFC 6716) through PyAV's libopus: mono, voice mode, constant bitrate, 20 ms packets."""

    def __init__(self, kbps: float) -> None:
        self.name, self.rate = f"opus:{kbps:g}", round(kbps * 1000)

    def process(self, audio: Samples) -> Decoded:
        """Ogg in memory; the bits are those of the packets, without Ogg's own."""
        import av

        start, bits, file = time.perf_counter(), 0, io.BytesIO()
        with av.open(file, "w", format="ogg") as out:
            options = {"application": "voip", "vbr": "off", "frame_duration": "20"}
            stream = out.add_stream("libopus", rate=SAMPLE_RATE, options=options)
            stream.bit_rate, stream.layout = self.rate, "mono"
            samples = np.clip(audio * 32767.0, -32768, 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                bits += 8 * packet.size
                out.mux(packet)
        file.seek(0)
        with av.open(file, "r") as back:
            rate = back.streams.audio[0].rate
            decoded = np.concatenate([frame.to_ndarray()[0] for frame in back.decode(audio=0)])
        milliseconds = 1e3 * (time.perf_counter() - start) / max(len(audio) / SAMPLE_RATE / 0.08, 1)
        return Decoded(aligned(audio, resample(decoded.astype(np.float32), rate, SAMPLE_RATE)), bits, [milliseconds])


class Codec2:
    """Codec2 (D. Rowe), 8 kHz, through pycodec2."""

    def __init__(self, kbps: float) -> None:
        import pycodec2  # type: ignore[import-untyped]

        self.name = f"codec2:{kbps:g}"
        try:
            self._codec = pycodec2.Codec2(round(kbps * 1000))
        except (ValueError, AssertionError) as error:
            raise ValueError(
                f"Codec2 has no mode of {kbps:g} kbit/s ({error}); 3.2, 2.4, 1.6, 1.4, 1.3, 1.2, 0.7"
            ) from None
        self._bits = round(kbps * 1000) * self._codec.samples_per_frame() / 8000

    def process(self, audio: Samples) -> Decoded:
        """Frame by frame at 8 kHz."""
        start, size = time.perf_counter(), self._codec.samples_per_frame()
        low = np.clip(resample(audio, SAMPLE_RATE, 8000) * 32767.0, -32768, 32767).astype(np.int16)
        frames = np.pad(low, (0, -len(low) % size)).reshape(-1, size)
        decoded = np.concatenate([self._codec.decode(self._codec.encode(frame)) for frame in frames])
        milliseconds = 1e3 * (time.perf_counter() - start) / max(len(audio) / SAMPLE_RATE / 0.08, 1)
        wide = resample(decoded.astype(np.float32) / 32768.0, 8000, SAMPLE_RATE)
        return Decoded(aligned(audio, wide), len(frames) * self._bits, [milliseconds])


def aligned(original: Samples, decoded: Samples) -> Samples:
    """`decoded` shifted by the delay at which it correlates best with `original`, and cut to its length."""
    size = 1 << (len(original) + len(decoded)).bit_length()
    cross = np.fft.irfft(np.fft.rfft(decoded, size) * np.fft.rfft(original, size).conj(), size)
    reach = int(ALIGN_SECONDS * SAMPLE_RATE)
    lags = np.concatenate([np.arange(reach + 1), np.arange(-reach, 0)])
    delay = int(lags[np.argmax(np.abs(cross[lags]))])
    moved = decoded[delay:] if delay >= 0 else np.pad(decoded, (-delay, 0))
    return np.pad(moved, (0, max(len(original) - len(moved), 0)))[: len(original)].astype(np.float32)


def peer(spec: str) -> System | Skipped:
    """`opus:6` or `codec2:3.2`, kbit/s after the colon; why not, where its package is missing.

    Raises:
        ValueError: an unknown peer or a bitrate that is no number.
    """
    kind, _, rate = spec.partition(":")
    known: dict[str, tuple[str, Callable[[float], System]]] = {"opus": ("av", Opus), "codec2": ("pycodec2", Codec2)}
    try:
        kbps = float(rate)
        package, make = known[kind]
    except (KeyError, ValueError):
        raise ValueError(f"cannot compare with {spec!r}; write opus:KBPS or codec2:KBPS, such as opus:6") from None
    if importlib.util.find_spec(package) is None:
        return Skipped(spec, f"{package} is not installed: {INSTALL}")
    return make(kbps)
