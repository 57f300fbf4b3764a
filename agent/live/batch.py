"""Many conversations on one model, frame by frame: synchronous, without threads, each a value of its own.

    batch = Batch(bundle, slots=4)
    slot = batch.open(Controls(seed=1))
    out = batch.step({slot: frame})[slot]        # frame float32 [1920] -> out.audio float32 [1920], out.text, ...
    state = batch.snapshot(slot)                 # a value; codec.layers.streaming.save(state, file) keeps it
    slot = batch.restore(state)

Only the slots given to `step` move on. What a conversation says depends on its own frames, controls and seed alone:
the same bytes give the same tokens, whoever else is in the batch.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from codec.layers import streaming
from codec.model import CodecState
from corpus.audio import FRAME_SAMPLES, Samples

from ..files.talking_model import TalkingModel, check_voice
from ..model.language_model import ModelState
from ..model.sampling import Sampling
from .controls import Controls
from .frame_out import FrameOut, PartTimes
from .runtime import Runtime, let_go, make_stepper
from .stepper import RowByRow, RowFrame, RowOrder, Stepper

T = TypeVar("T")
U = TypeVar("U")
FADE = 240  # samples over which hold sets in and ends: 10 ms
SILENT_FRAMES = 25  # of silence encoded to learn the codes of silence: 2 s


@dataclass(frozen=True)
class SessionState:
    """A conversation as a value of tensors, batch 1; `codec.layers.streaming` copies, saves and loads it."""

    codec: CodecState
    model: ModelState
    gain: Tensor  # float32 [1], 0 on hold


@dataclass(frozen=True)
class Conversed:
    """An open conversation: its state, and how it behaves."""

    state: SessionState
    controls: Controls


class Batch:
    """Up to `slots` conversations on one model."""

    def __init__(
        self,
        bundle: TalkingModel,
        slots: int,
        runtime: Runtime = "fast",
        int8: bool = True,
        cache: str | Path | None = None,
        threads: int = 1,
        keep_weights: bool = True,
    ) -> None:
        """Get ready; the first time for a codec, "fast" exports it for some twenty seconds.

        Args:
            bundle: model, codec and vocabulary; the model is left as it is.
            slots: most conversations at once.
            runtime: "fast" is the quickest way on the device at hand; "fused" is it for the model, with the codec as
                it is; "torch" takes both as they are, one conversation after another.
            int8: let "fast" shorten matrices to 8 bits.
            cache: folder of exported codecs; the user's cache folder if None.
            threads: cores that "fast" may use.
            keep_weights: False frees the bundle's weights where "fast" has its own; it is of no other use then.
        """
        if slots < 1:
            raise ValueError(f"a batch needs at least one slot, got {slots}")
        check_voice(bundle)
        self.bundle, self.slots = bundle, slots
        self._stepper: Stepper
        self._stepper, self._codec = make_stepper(bundle.model, bundle.codec, runtime, int8, cache, threads)
        self._device = bundle.model.device
        self._workers = ThreadPoolExecutor(threads) if threads > 1 else None  # for the codec
        self._rows: dict[int, Conversed] = {}
        pad = torch.tensor([bundle.model.config.pad])
        self._held = torch.cat([pad, self._codes_of_silence()])  # said on hold
        if not keep_weights:
            for mine, used in ((bundle.model, self._stepper), (bundle.codec, self._codec)):
                if not (used is mine or isinstance(used, RowByRow)):
                    let_go(mine)

    @property
    def free(self) -> int:
        """Slots not in use."""
        return self.slots - len(self._rows)

    def open(self, controls: Controls | None = None) -> int:
        """Start a conversation; returns its slot. A full batch raises ValueError."""
        controls = controls or Controls()
        gain = torch.tensor([0.0 if controls.hold else 1.0])
        state = SessionState(self._codec.init_state(1), self._stepper.init_state(controls.seed), gain)
        return self._place(state, controls)

    def close(self, slot: int) -> None:
        """End a conversation and free its slot."""
        self._of(slot)
        del self._rows[slot]

    def controls(self, slot: int) -> Controls:
        """The controls of a conversation."""
        return self._of(slot).controls

    def set_controls(self, slot: int, controls: Controls) -> None:
        """Change the controls from the next frame on; a new seed takes effect only when a session opens."""
        self._rows[slot] = replace(self._of(slot), controls=controls)

    def snapshot(self, slot: int) -> SessionState:
        """A copy of a conversation, which goes on."""
        return streaming.copy(self._of(slot).state)

    def restore(self, state: SessionState, controls: Controls | None = None) -> int:
        """Go on with a copied conversation; returns its slot. Full batches and misfits raise ValueError."""
        template = SessionState(self._codec.init_state(1), self._stepper.init_state(0), torch.ones(1))
        return self._place(
            streaming.copy(streaming.unflatten(template, streaming.flatten(state))), controls or Controls()
        )

    @torch.inference_mode()
    def step(self, frames: Mapping[int, Samples], orders: Mapping[int, RowOrder] | None = None) -> dict[int, FrameOut]:
        """Move the given conversations on by a frame.

        Args:
            frames: what each hears, float32 `[1920]` by slot.
            orders: how some of them take this frame, in place of what their controls ask for.

        Raises:
            ValueError: an unknown slot, or another shape.
        """
        if not frames:
            return {}
        slots = sorted(frames)
        rows = [self._of(slot) for slot in slots]
        orders = orders or {}
        wanted = [orders.get(slot) or self._order(row.controls) for slot, row in zip(slots, rows, strict=True)]
        clock = [time.perf_counter()]
        heard = self._each(self._encode, [frames[slot] for slot in slots], [row.state.codec for row in rows])
        clock.append(time.perf_counter())
        user = torch.cat([codes for codes, _ in heard])
        said, models = self._stepper.step(user, [row.state.model for row in rows], wanted)
        clock.append(time.perf_counter())
        played = self._each(self._decode, said, [codec for _, codec in heard])
        clock.append(time.perf_counter())
        encode, step, decode = (1e3 * (after - before) for before, after in itertools.pairwise(clock))
        times = PartTimes(encode / len(slots), step, decode / len(slots))
        outs = {}
        for index, slot in enumerate(slots):
            gain = 0.0 if rows[index].controls.hold else 1.0
            sound, codec = played[index]
            audio = _faded(sound, float(rows[index].state.gain), gain)
            state = SessionState(codec, models[index], torch.tensor([gain]))
            self._rows[slot] = replace(rows[index], state=state)
            outs[slot] = self._out(said[index], audio, times)
        return outs

    def _order(self, controls: Controls) -> RowOrder:
        heat = (controls.text_temperature, controls.text_top_k, controls.audio_temperature, controls.audio_top_k)
        forced = self._held if controls.hold else None
        return RowOrder(Sampling(*heat), controls.pad_bias, controls.end_pad_bias, forced)

    def _of(self, slot: int) -> Conversed:
        if slot not in self._rows:
            raise ValueError(f"there is no open conversation {slot}")
        return self._rows[slot]

    def _place(self, state: SessionState, controls: Controls) -> int:
        slot = next((slot for slot in range(self.slots) if slot not in self._rows), None)
        if slot is None:
            raise ValueError(f"all {self.slots} slots are taken: close a conversation first")
        self._rows[slot] = Conversed(state, controls)
        return slot

    def _each(
        self, work: Callable[[T, CodecState], tuple[U, CodecState]], items: list[T], states: list[CodecState]
    ) -> list[tuple[U, CodecState]]:
        """The codec's work for every conversation by itself: ONNX Runtime's 8-bit scales are of a whole batch."""
        return list((map if self._workers is None else self._workers.map)(work, items, states))

    def _encode(self, frame: Samples, state: CodecState) -> tuple[Tensor, CodecState]:
        """Codes `[1, user codebooks]` and the codec's state after them."""
        wave = torch.as_tensor(frame)
        if wave.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame must be [{FRAME_SAMPLES}] samples, got {list(wave.shape)}")
        codes, state = self._codec.encode_frame(wave[None, None].to(self._device), state)
        return codes[:, : self.bundle.model.config.user_codebooks, 0].cpu(), state

    def _decode(self, frame: RowFrame, state: CodecState) -> tuple[Samples, CodecState]:
        if not frame.ready:
            return np.zeros(FRAME_SAMPLES, np.float32), state
        wave, state = self._codec.decode_frame(frame.tokens[None, 1:, None].to(self._device), state)
        return wave[0, 0].cpu().numpy(), state

    def _out(self, frame: RowFrame, audio: Samples, times: PartTimes) -> FrameOut:
        text = self._piece(int(frame.tokens[0])) if frame.ready else ""
        user_text = "" if frame.user_text is None else self._piece(frame.user_text)
        return FrameOut(audio, text, user_text, frame.tokens.numpy(), frame.ready, times)

    def _piece(self, token: int) -> str:
        config = self.bundle.model.config
        return "" if token < 0 or token in (config.pad, config.end_pad) else self.bundle.vocabulary.piece(token)

    def _codes_of_silence(self) -> Tensor:
        """The codec's codes int64 `[agent codebooks]` of lasting silence."""
        silence = torch.zeros(1, 1, SILENT_FRAMES * FRAME_SAMPLES, device=self._device)
        codes: Tensor = self._codec.encode_frame(silence, self._codec.init_state(1))[0]
        return codes[0, : self.bundle.model.config.agent_codebooks, -1].cpu()


def _faded(audio: Samples, before: float, after: float) -> Samples:
    """The frame at gain `after`, coming from `before`."""
    if before == after:
        return audio if after else np.zeros_like(audio)
    gain = np.full(len(audio), after, np.float32)
    gain[:FADE] = np.linspace(before, after, FADE, dtype=np.float32)
    return audio * gain
