"""The codec: waveform <-> tokens, whole or frame by frame.

    codec = Codec.load("laptop")                       # or a file, a folder, "kyutai/mimi" from the local cache
    codes = codec.encode(wav)                          # [B, 1, T] -> [B, K, F], F = ceil(T / 1920)
    wav = codec.decode(codes)                          # [B, 1, 1920 F]
    state = codec.init_state(batch=1)
    codes, state = codec.encode_frame(x, state)        # x [B, 1, 1920 n] -> [B, K, n]
    y, state = codec.decode_frame(codes, state)

Training, in full (the codec is an ordinary module; every call below keeps gradients):

    z = codec.encoder_latent(wav)                                       # wav [B, 1, 1920 F] -> [B, F, D]
    zq, codes, aux = codec.quantize(z, n_q, unquantized)                # zq [B, F, 2 E], aux.commit, .semantic, .traces
    y, pitch_loss = codec.decode_supervised(zq, wav)                    # train with this ...
    y = codec.decode_latent(zq)                                         # ... evaluate with this
    loss = spectral(y, wav) + 0.25 * aux.commit + pitch_loss + ...
    quantizer = codec.quantizer                                         # after the optimizer's step:
    quantizer.update(quantizer.statistics(aux.traces), decay=0.99)      # sum the statistics over processes before
    quantizer.replace_dead(aux.traces, threshold=0.1, generator=generator)
    quantizer.initialize(level, centroids)                              # by k-means; quantizer.project(z): inputs

The laptop decoder drives a pulse train with a pitch it predicts: `decode_supervised` feeds the measured pitch where
speech is voiced and returns the L1 error of the prediction in octaves (weight 1 works). Its phase is free, so losses
on it must be spectral magnitudes (several resolutions, log mel and linear); a distance of waveforms or complex spectra
would mute it.
For Mimi `decode_supervised` is `decode_latent` with a zero loss.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from corpus.durable import replace_text

from . import checkpoints, layouts, locate
from .config import CodecConfig, PatchConfig, QuantizerConfig, mimi
from .layers import streaming
from .layers.pitch import track
from .layers.quantize import QuantizerAux, SplitQuantizer
from .patch import PatchDecoder, PatchDecoderState, PatchEncoder, PatchEncoderState
from .seanet import SeanetDecoder, SeanetDecoderState, SeanetEncoder, SeanetEncoderState

CHUNK_FRAMES = 25  # frames encoded or decoded at once: 2 s, bounds the memory of a long file
VOICED = 0.4  # periodicity from which a measured pitch is trusted


@dataclass(frozen=True)
class CodecState:
    """Everything a stream remembers, both directions; see `codec.layers.streaming` for what can be done with it."""

    encoder: PatchEncoderState | SeanetEncoderState
    decoder: PatchDecoderState | SeanetDecoderState


class Codec(nn.Module):
    """A streaming neural codec; `Codec(config)` has fresh weights."""

    encoder: PatchEncoder | SeanetEncoder
    decoder: PatchDecoder | SeanetDecoder

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        if isinstance(config.body, PatchConfig):
            self.encoder, self.decoder = PatchEncoder(config, config.body), PatchDecoder(config, config.body)
        else:
            self.encoder, self.decoder = SeanetEncoder(config, config.body), SeanetDecoder(config, config.body)
        self.quantizer = SplitQuantizer(config.quantizer, config.latent_dim)

    @classmethod
    def load(cls, name: str | Path, n_q: int | None = None, config: CodecConfig | None = None) -> Codec:
        """A codec with trained weights, ready to stream.

        Args:
            name: "laptop" (shipped), a safetensors file, a folder with one, or a hub id found in the local cache.
            n_q: codebooks to use; by default all of our own files, 8 of a Mimi file.
            config: of a foreign file that is not of Mimi's official size.

        Raises:
            ValueError: nothing there, an unreadable or truncated file, or a checkpoint of another model.
        """
        path = locate.find(name)
        tensors, own = checkpoints.read(path)
        if own is not None:
            config = own if n_q is None else with_codebooks(own, n_q)
        else:
            layout = layouts.layout_of(tensors)
            if layout is None:
                raise ValueError(
                    f"{path} is not a codec checkpoint: expected Kyutai's, Hugging Face's or our own layout"
                )
            config = mimi(n_q or 8) if config is None else config
            tensors = layouts.from_foreign(tensors, config, layout)
        codec = cls(config)
        codec.load_weights(tensors)
        return codec.prepare().eval()

    def load_weights(self, tensors: dict[str, Tensor]) -> None:
        """Copy a state dictionary of ours, in any float type; spare codebooks are left out. Misfits: ValueError."""
        expected = self.state_dict()
        for name, tensor in expected.items():
            if name not in tensors:
                raise ValueError(f"not a checkpoint of this {self.config.name} codec: no tensor {name}")
            if tensors[name].shape != tensor.shape:
                given = list(tensors[name].shape)
                raise ValueError(
                    f"not a checkpoint of this {self.config.name} codec: {name} is {given}, not {list(tensor.shape)}"
                )
        odd = [name for name in tensors if name not in expected and not name.startswith("quantizer.codebooks.")]
        if odd:
            raise ValueError(f"not a checkpoint of this {self.config.name} codec: unknown tensor {odd[0]}")
        self.load_state_dict({name: tensors[name] for name in expected})

    def save(self, path: str | Path, layout: layouts.Layout = "own", dtype: torch.dtype | None = None) -> Path:
        """Write the weights as safetensors.

        Args:
            path: a `.safetensors` file, or a folder, which then gets `model.safetensors` (and `config.json` for
                layout "huggingface", so that `MimiModel.from_pretrained` reads it).
            layout: "own", or for a Mimi "kyutai" or "huggingface". Their official loaders expect all 32 codebooks.
            dtype: float type of an own file, e.g. torch.float16; None keeps float32.

        Returns:
            the file written.
        """
        target = Path(path)
        folder = target.suffix != ".safetensors"
        file = target / "model.safetensors" if folder else target
        checkpoints.write(file, self.state_dict(), self.config, layout, dtype)
        if folder and layout == "huggingface":
            text = json.dumps(checkpoints.huggingface_config(self.config), indent=2)
            replace_text(target / "config.json", text + "\n")
        return file

    def prepare(self) -> Codec:
        """Lay matrices out input-major, read faster by a product of few rows; values and names stay. Returns self."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.weight.data = module.weight.data.t().contiguous().t()
        return self

    def init_state(self, batch: int = 1) -> CodecState:
        """The state of `batch` conversations before their first frame."""
        return CodecState(self.encoder.init_state(batch), self.decoder.init_state(batch))

    def reset(self, state: CodecState, rows: Tensor) -> CodecState:
        """Start the conversations marked in `rows` (bool `[B]`) anew; the others go on."""
        if rows.dtype != torch.bool or rows.shape != (streaming.batch_of(state),):
            raise ValueError(f"rows must be bool [{streaming.batch_of(state)}], got {rows.dtype} {list(rows.shape)}")
        return streaming.reset_rows(state, self.init_state(1), rows)

    @torch.no_grad()
    def encode(self, wav: Tensor, sample_rate: int | None = None) -> Tensor:
        """Waveform `[B, 1, T]` at 24 kHz -> codes int64 `[B, K, ceil(T / 1920)]`; the last frame is zero-padded.

        Raises:
            ValueError: another shape, samples that are not finite, or `sample_rate` given and not 24 kHz.
        """
        config = self.config
        if sample_rate is not None and sample_rate != config.sample_rate:
            raise ValueError(
                f"the codec works at {config.sample_rate} Hz, got {sample_rate}: use corpus.audio.resample"
            )
        check_waveform(wav)
        padded = nn.functional.pad(wav, (0, -wav.shape[-1] % config.frame_samples))
        state = self.init_state(wav.shape[0])
        codes = [torch.empty(wav.shape[0], config.quantizer.n_q, 0, dtype=torch.int64, device=wav.device)]
        for part in torch.split(padded, CHUNK_FRAMES * config.frame_samples, dim=-1) if wav.shape[-1] else ():
            code, state = self.encode_frame(part, state)
            codes.append(code)
        return torch.cat(codes, dim=-1)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Codes int64 `[B, K', F]`, K' from 1 to K -> waveform `[B, 1, 1920 F]`. Other shapes or values: ValueError."""
        check_codes(codes, self.config.quantizer)
        state = self.init_state(codes.shape[0])
        parts = [torch.empty(codes.shape[0], 1, 0, device=codes.device)]
        for part in torch.split(codes, CHUNK_FRAMES, dim=-1) if codes.shape[-1] else ():
            wav, state = self.decode_frame(part, state)
            parts.append(wav)
        return torch.cat(parts, dim=-1)

    @torch.no_grad()
    def encode_frame(self, x: Tensor, state: CodecState) -> tuple[Tensor, CodecState]:
        """The next n frames of a stream: `[B, 1, 1920 n]` -> codes int64 `[B, K, n]`. Raises like `encode`."""
        check_waveform(x, self.config.frame_samples)
        latent, encoder = self.encoder(x[:, 0], state.encoder)
        return self.quantizer.encode(latent), CodecState(encoder, state.decoder)

    @torch.no_grad()
    def decode_frame(self, codes: Tensor, state: CodecState) -> tuple[Tensor, CodecState]:
        """The next n frames of a stream: codes int64 `[B, K', n]` -> `[B, 1, 1920 n]`. Raises like `decode`."""
        check_codes(codes, self.config.quantizer)
        entries = self.quantizer.decode(codes)
        wav, decoder = self.decoder(entries, self.quantizer.combine(entries), state.decoder)
        return wav[:, None], CodecState(state.encoder, decoder)

    def encoder_latent(self, wav: Tensor) -> Tensor:
        """Waveform `[B, 1, 1920 F]` -> latent before quantization `[B, F, D]`, with gradient."""
        latent: Tensor = self.encoder(wav[:, 0], self.encoder.init_state(wav.shape[0]))[0]
        return latent

    def quantize(
        self, z: Tensor, n_q: int | Tensor | None = None, unquantized: bool | Tensor = False
    ) -> tuple[Tensor, Tensor, QuantizerAux]:
        """Quantize a latent for training: see `SplitQuantizer.forward`."""
        latent, codes, aux = self.quantizer(z, n_q, unquantized)
        return latent, codes, aux

    def decode_latent(self, zq: Tensor) -> Tensor:
        """Entries `[B, F, 2 E]` from `quantize` -> waveform `[B, 1, 1920 F]`, with gradient."""
        wav: Tensor = self.decoder(zq, self.quantizer.combine(zq), self.decoder.init_state(zq.shape[0]))[0]
        return wav[:, None]

    def voiced_frames(self, wav: Tensor) -> Tensor:
        """How many pitches of an original `[B, 1, T]` the pitch loss is a mean of: `[]`, 0 without a pitch output."""
        if isinstance(self.decoder, SeanetDecoder):
            return wav.new_zeros(())
        return (track(wav[:, 0])[1] > VOICED).sum().to(wav)

    def decode_supervised(self, zq: Tensor, wav: Tensor) -> tuple[Tensor, Tensor]:
        """Decode for training, knowing the original.

        Args:
            zq: entries `[B, F, 2 E]` from `quantize`.
            wav: the original `[B, 1, 1920 F]`.

        Returns:
            waveform `[B, 1, 1920 F]` and the pitch loss (scalar, octaves; zero for a codec without a pitch output).
        """
        if isinstance(self.decoder, SeanetDecoder):
            return self.decode_latent(zq), zq.new_zeros(())
        state = self.decoder.init_state(zq.shape[0])
        predicted, after = self.decoder.read_pitch(zq, state)
        pitch, periodicity = track(wav[:, 0])
        voiced = periodicity > VOICED
        true = pitch.double().log2()
        y, _ = self.decoder.synthesize(self.quantizer.combine(zq), torch.where(voiced, true, predicted), after, state)
        error = ((predicted - true).abs() * voiced).sum() / voiced.sum().clamp(min=1)
        return y[:, None], error.float()


def with_codebooks(config: CodecConfig, n_q: int) -> CodecConfig:
    """The configuration with fewer codebooks. More than it has raises ValueError."""
    if n_q > config.quantizer.n_q:
        raise ValueError(f"this {config.name} codec has {config.quantizer.n_q} codebooks, asked for {n_q}")
    return replace(config, quantizer=replace(config.quantizer, n_q=n_q))


def check_waveform(wav: Tensor, frame_samples: int | None = None) -> None:
    """Raise ValueError unless float `[B, 1, T]`, finite and, for a stream, of whole frames."""
    if wav.dim() != 3 or wav.shape[1] != 1 or not wav.is_floating_point():
        raise ValueError(f"a waveform must be float [B, 1, T], got {wav.dtype} {list(wav.shape)}")
    if not bool(torch.isfinite(wav).all()):
        raise ValueError("the waveform holds samples that are not finite numbers")
    if frame_samples and (not wav.shape[-1] or wav.shape[-1] % frame_samples):
        raise ValueError(f"a stream takes whole frames of {frame_samples} samples, got {wav.shape[-1]}")


def check_codes(codes: Tensor, quantizer: QuantizerConfig) -> None:
    """Raise ValueError unless int64 `[B, 1..K, F]` with values of the codebooks."""
    n_q, size = quantizer.n_q, quantizer.codebook_size
    if codes.dim() != 3 or codes.dtype != torch.int64 or not 1 <= codes.shape[1] <= n_q:
        raise ValueError(f"codes must be int64 [B, 1..{n_q}, F], got {codes.dtype} {list(codes.shape)}")
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < size:
        raise ValueError(f"codes must lie in 0..{size - 1}, got {int(codes.min())}..{int(codes.max())}")
