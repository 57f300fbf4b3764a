"""An exported codec run by ONNX Runtime, behind the codec's own streaming methods: the fastest way on one CPU core."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from corpus.durable import publish

from .config import CodecConfig, from_dict, to_dict
from .export import export, shorten
from .layers import streaming
from .model import Codec, CodecState, check_codes, check_waveform

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]


class OnnxCodec:
    """`encode`, `decode`, `encode_frame`, `decode_frame`, `init_state` and `reset` as of `Codec`, on the CPU.

    States are interchangeable with those of a `Codec` of the same configuration. All codebooks must be given to decode.
    """

    def __init__(self, folder: str | Path, threads: int = 1, twin: Codec | None = None) -> None:
        """Open a folder written by `codec.export.export`. What is missing or unreadable raises ValueError.

        A `twin`, a codec of the same configuration that is at hand, saves seconds and 40 MB.
        """
        self.folder = Path(folder)
        try:
            self.config: CodecConfig = from_dict(json.loads((self.folder / "codec.json").read_text(encoding="utf-8")))
        except (OSError, json.JSONDecodeError) as error:
            raise ValueError(f"{folder} holds no exported codec: {error}") from None
        self._encoder = _session(self.folder / "encoder.onnx", threads)
        self._decoder = _session(self.folder / "decoder.onnx", threads)
        if twin is None:
            with torch.device("meta"):
                twin = Codec(self.config)
        layout = twin.init_state(1)
        self._fresh = streaming.map_state(lambda tensor: torch.zeros(tensor.shape, dtype=tensor.dtype), layout)
        self._encoder_names = list(streaming.flatten(self._fresh.encoder))
        self._decoder_names = list(streaming.flatten(self._fresh.decoder))

    def init_state(self, batch: int = 1) -> CodecState:
        """The state of `batch` conversations before their first frame."""
        return streaming.map_state(lambda tensor: tensor.repeat(batch, *[1] * (tensor.dim() - 1)), self._fresh)

    def reset(self, state: CodecState, rows: Tensor) -> CodecState:
        """Start the conversations marked in `rows` (bool `[B]`) anew; the others go on."""
        return streaming.reset_rows(state, self._fresh, rows)

    def encode(self, wav: Tensor) -> Tensor:
        """Waveform `[B, 1, T]` at 24 kHz -> codes int64 `[B, K, ceil(T / 1920)]`."""
        check_waveform(wav)
        wav = torch.nn.functional.pad(wav, (0, -wav.shape[-1] % self.config.frame_samples))
        if not wav.shape[-1]:
            return torch.empty(wav.shape[0], self.config.quantizer.n_q, 0, dtype=torch.int64)
        return self.encode_frame(wav, self.init_state(wav.shape[0]))[0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes int64 `[B, K, F]` -> waveform `[B, 1, 1920 F]`."""
        check_codes(codes, self.config.quantizer)
        if not codes.shape[-1]:
            return torch.empty(codes.shape[0], 1, 0)
        return self.decode_frame(codes, self.init_state(codes.shape[0]))[0]

    def encode_frame(self, x: Tensor, state: CodecState) -> tuple[Tensor, CodecState]:
        """The next n frames: `[B, 1, 1920 n]` -> codes int64 `[B, K, n]`."""
        check_waveform(x, self.config.frame_samples)
        codes, encoder = [], state.encoder
        for part in torch.split(x, self.config.frame_samples, dim=-1):
            code, encoder = _run(self._encoder, "x", part, self._encoder_names, encoder)
            codes.append(code)
        return torch.cat(codes, dim=-1), CodecState(encoder, state.decoder)

    def decode_frame(self, codes: Tensor, state: CodecState) -> tuple[Tensor, CodecState]:
        """The next n frames: codes int64 `[B, K, n]` -> `[B, 1, 1920 n]`."""
        check_codes(codes, self.config.quantizer)
        if codes.shape[1] != self.config.quantizer.n_q:
            raise ValueError(
                f"an exported codec decodes all {self.config.quantizer.n_q} codebooks, got {codes.shape[1]}"
            )
        parts, decoder = [], state.decoder
        for part in torch.split(codes, 1, dim=-1):
            wav, decoder = _run(self._decoder, "codes", part, self._decoder_names, decoder)
            parts.append(wav)
        return torch.cat(parts, dim=-1), CodecState(state.encoder, decoder)


def fastest(codec: Codec, cache: str | Path, int8: bool = True) -> OnnxCodec:
    """The quickest runtime for this codec on one CPU core, exported once into a folder under `cache`.

    The folder is named by the weights' hash and appears whole. The first call takes some twenty seconds.

    Args:
        codec: on the CPU.
        cache: made if missing.
        int8: shorten the matrices to 8 bits; False keeps the codec's float32 codes and sound.
    """
    folder = Path(cache) / folder_name(codec, int8)
    if not folder.exists():
        Path(cache).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = export(codec, Path(scratch) / "made")
            if int8:
                shorten(codec, made)
            with contextlib.suppress(OSError):  # another process was first
                publish(made, folder)
    return OnnxCodec(folder, twin=codec)


def folder_name(codec: Codec, int8: bool) -> str:
    """The name `fastest` gives an export: it changes with the configuration and with every weight."""
    digest = hashlib.sha256(json.dumps(to_dict(codec.config)).encode())
    for name, tensor in codec.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return f"{codec.config.name}-{'int8' if int8 else 'float32'}-{digest.hexdigest()[:16]}"


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError:
        raise ValueError("running an exported codec needs onnxruntime: pip install 'duologue[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base of their own
        raise ValueError(f"cannot read {path} as ONNX: {error}") from None


def _run(
    session: onnxruntime.InferenceSession, first: str, x: Tensor, names: list[str], state: streaming.S
) -> tuple[Tensor, streaming.S]:
    feeds = {f"state.{name}": tensor.numpy() for name, tensor in streaming.named_tensors(state)}
    feeds[first] = x.numpy()
    output, *after = (torch.from_numpy(array) for array in session.run(None, feeds))
    values = iter(after)
    return output, streaming.map_state(lambda _: next(values), state)
