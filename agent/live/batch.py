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

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from codec.model import CodecState
from corpus.audio import FRAME_SAMPLES, Samples

from ..files.talking_model import TalkingModel, check_voice
from ..model.floor import SILENT, silent_after, waiting
from ..model.language_model import ModelState
from ..model.sampling import Sampling
from .controls import Controls
from .frame_out import FrameOut, PartTimes
from .persona import begun
from .rows import Held
from .runtime import Runtime, make_rows
from .stepper import RowFrame, RowOrder

FADE = 240  # samples over which hold sets in and ends: 10 ms
SILENT_FRAMES = 25  # of silence encoded to learn the codes of silence: 2 s


@dataclass(frozen=True)
class SessionState:
    """A conversation as a value of tensors, batch 1; `codec.layers.streaming` copies, saves and loads it."""

    codec: CodecState
    model: ModelState
    gain: Tensor  # float32 [1], 0 on hold
    silent: Tensor  # int64 [1], frames since the agent's last word, see `agent.model.floor`
    hearing: Any = None  # of what hears the user's words, where the model does not


@dataclass(frozen=True)
class Conversed:
    """An open conversation: how it behaves."""

    controls: Controls
    gain: float  # 0 on hold
    silent: int = SILENT  # frames since the agent's last word, at most as many


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
        prompt: ModelState | None = None,
    ) -> None:
        """Get ready; the first time for a codec, "fast" exports it for some twenty seconds.

        Args:
            bundle: model, codec and vocabulary; the model is left as it is.
            slots: most conversations at once.
            runtime: "fast" is the quickest way on the device at hand, "slots" on a card; "fused" is it for the model,
                with the codec as it is; "torch" takes both as they are, one conversation after another; "slots" keeps
                as many rows as there are slots and moves all on at once (`agent.live.cuda`).
            int8: let "fast" shorten matrices to 8 bits.
            cache: folder of exported codecs; the user's cache folder if None.
            threads: cores that "fast" may use.
            keep_weights: False frees the bundle's weights where "fast" has its own; it is of no other use then.
            prompt: what every conversation begins with, see `persona.prompted`.
        """
        if slots < 1:
            raise ValueError(f"a batch needs at least one slot, got {slots}")
        check_voice(bundle)
        self.bundle, self.slots, self._prompt = bundle, slots, prompt
        self._rows = make_rows(bundle, slots, runtime, int8, cache, threads)
        self._open: dict[int, Conversed] = {}
        pad = torch.tensor([bundle.model.config.pad])
        self._held = torch.cat([pad, self._codes_of_silence()])  # said on hold
        if not keep_weights:
            self._rows.let_go(bundle)

    @property
    def fixed(self) -> bool:
        """Whether a tick takes the time of all slots, whoever has a frame."""
        return self._rows.fixed

    @property
    def free(self) -> int:
        """Slots not in use."""
        return self.slots - len(self._open)

    def open(self, controls: Controls | None = None) -> int:
        """Start a conversation; returns its slot. A full batch raises ValueError."""
        controls = controls or Controls()
        slot = self._place()
        self._rows.open(slot, controls.seed)
        if self._prompt is not None:
            self._rows.restore(slot, Held(self._rows.codec.init_state(1), begun(self._prompt, controls.seed)))
        self._open[slot] = Conversed(controls, 0.0 if controls.hold else 1.0)
        return slot

    def close(self, slot: int) -> None:
        """End a conversation and free its slot."""
        self._of(slot)
        self._rows.close(slot)
        del self._open[slot]

    def controls(self, slot: int) -> Controls:
        """The controls of a conversation."""
        return self._of(slot).controls

    def set_controls(self, slot: int, controls: Controls) -> None:
        """Change the controls from the next frame on; a new seed takes effect only when a session opens."""
        self._open[slot] = replace(self._of(slot), controls=controls)

    def snapshot(self, slot: int) -> SessionState:
        """A copy of a conversation, which goes on."""
        row, held = self._of(slot), self._rows.snapshot(slot)
        return SessionState(held.codec, held.model, torch.tensor([row.gain]), torch.tensor([row.silent]), held.hearing)

    def restore(self, state: SessionState, controls: Controls | None = None) -> int:
        """Go on with a copied conversation; returns its slot. Full batches and misfits raise ValueError."""
        slot = self._place()
        self._rows.restore(slot, Held(state.codec, state.model, state.hearing))
        self._open[slot] = Conversed(controls or Controls(), float(state.gain), int(state.silent))
        return slot

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
        rows = {slot: self._of(slot) for slot in slots}
        orders = orders or {}
        wanted = {slot: orders.get(slot) or self._order(row) for slot, row in rows.items()}
        answers = self._rows.step({slot: _checked(frames[slot]) for slot in slots}, wanted)
        outs = {}
        for slot, row in rows.items():
            gain = 0.0 if row.controls.hold else 1.0
            silent = silent_after(row.silent, answers.frames[slot].text, self.bundle.model.config)
            self._open[slot] = replace(row, gain=gain, silent=silent)
            outs[slot] = self._out(answers.frames[slot], _faded(answers.sound[slot], row.gain, gain), answers.times)
        return outs

    def _order(self, row: Conversed) -> RowOrder:
        controls = row.controls
        heat = (controls.text_temperature, controls.text_top_k, controls.audio_temperature, controls.audio_top_k)
        forced = self._held if controls.hold else None
        wait = waiting(row.silent, self.bundle.model.config)
        return RowOrder(Sampling(*heat), controls.pad_bias, controls.end_pad_bias, forced, waiting=wait)

    def _of(self, slot: int) -> Conversed:
        if slot not in self._open:
            raise ValueError(f"there is no open conversation {slot}")
        return self._open[slot]

    def _place(self) -> int:
        slot = next((slot for slot in range(self.slots) if slot not in self._open), None)
        if slot is None:
            raise ValueError(f"all {self.slots} slots are taken: close a conversation first")
        return slot

    def _out(self, frame: RowFrame, audio: Samples, times: PartTimes) -> FrameOut:
        text = self._piece(int(frame.tokens[0])) if frame.ready else ""
        user_text = "" if frame.user_text is None else self._piece(frame.user_text)
        return FrameOut(audio, text, user_text, frame.tokens.numpy(), frame.ready, times)

    def _piece(self, token: int) -> str:
        config = self.bundle.model.config
        return "" if token < 0 or token in (config.pad, config.end_pad) else self.bundle.vocabulary.piece(token)

    def _codes_of_silence(self) -> Tensor:
        """The codec's codes int64 `[agent codebooks]` of lasting silence."""
        codec = self._rows.codec
        silence = torch.zeros(1, 1, SILENT_FRAMES * FRAME_SAMPLES, device=self.bundle.model.device)
        codes: Tensor = codec.encode_frame(silence, codec.init_state(1))[0]
        return codes[0, : self.bundle.model.config.agent_codebooks, -1].cpu()


def _checked(frame: Samples) -> Samples:
    if np.shape(frame) != (FRAME_SAMPLES,):
        raise ValueError(f"a frame must be [{FRAME_SAMPLES}] samples, got {list(np.shape(frame))}")
    return frame


def _faded(audio: Samples, before: float, after: float) -> Samples:
    """The frame at gain `after`, coming from `before`."""
    if before == after:
        return audio if after else np.zeros_like(audio)
    gain = np.full(len(audio), after, np.float32)
    gain[:FADE] = np.linspace(before, after, FADE, dtype=np.float32)
    return audio * gain
