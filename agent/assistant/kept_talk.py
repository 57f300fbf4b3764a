"""A talk kept so that it can be had again, bit for bit and without the parts that made it.

tape = Tape()
assistant = Assistant(taped(tape, parts), options, executor, tape=tape)
...
save_tape(tape, path, options)
assert replay(*load_tape(path)) is None
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from corpus.audio import FRAME_SAMPLES
from corpus.durable import write_synced

from ..live.frame_out import FrameOut
from .manners import Manners
from .session import AssistantTalk
from .talk_parts import TalkOptions
from .tape import Tape
from .taped_parts import played

NOT_KEPT = "is no kept talk of an assistant"


def save_tape(tape: Tape, path: Path, options: TalkOptions) -> None:
    """Write it as one file. A talk without a frame, or a path that cannot be written, raises ValueError."""
    if not tape.heard:
        raise ValueError("nothing to keep: the conversation heard no frame")
    about = {
        "instructions": options.instructions,
        "greeting": options.greeting,
        "manners": {**asdict(options.manners), "thresholds": list(options.manners.thresholds.items())},
    }
    text = json.dumps({"options": about, "log": tape.log}).encode()
    tensors = {f"sound.{name}": np.ascontiguousarray(sound) for name, sound in tape.sounds.items()}
    tensors |= {"heard": np.stack(tape.heard), "said": np.stack(tape.said), "log": np.frombuffer(text, np.uint8)}
    try:
        write_synced(path, save(tensors))
    except OSError as error:
        raise ValueError(f"cannot keep the talk in {path}: {error}") from None


def load_tape(path: Path) -> tuple[Tape, TalkOptions]:
    """Read what `save_tape` wrote. Anything else raises ValueError."""
    tape = Tape()
    try:
        tensors = load_file(str(path))
        heard, said = tensors["heard"], tensors["said"]
        told = json.loads(tensors["log"].tobytes())
        options, tape.log = told["options"], {name: [(n, v) for n, v in calls] for name, calls in told["log"].items()}
        manners = options["manners"]
        manners["thresholds"] = {float(after): float(least) for after, least in manners["thresholds"]}
        kept = TalkOptions(options["instructions"], options["greeting"], Manners(**manners))
    except (SafetensorError, OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{path} {NOT_KEPT}: {error or type(error).__name__}") from None
    if heard.shape != said.shape or heard.shape[1:] != (FRAME_SAMPLES,):
        raise ValueError(f"{path} {NOT_KEPT}: its frames do not fit each other")
    tape.heard, tape.said, tape.plays = list(heard), list(said), True
    tape.sounds = {name.partition(".")[2]: sound for name, sound in tensors.items() if name.startswith("sound.")}
    return tape, kept


def outs(tape: Tape, options: TalkOptions) -> Iterator[FrameOut]:
    """Have the talk again, frame by frame."""
    talk = AssistantTalk(played(tape), options)
    for heard in tape.heard:
        yield talk.push(heard)


def replay(tape: Tape, options: TalkOptions, watch: Callable[[FrameOut], None] = lambda _: None) -> int | None:
    """Have the talk again; returns the first frame that sounds different, None if all are the same."""
    for index, (out, said) in enumerate(zip(outs(tape, options), tape.said, strict=True)):
        watch(out)
        if not np.array_equal(out.audio, said):
            return index
    return None
