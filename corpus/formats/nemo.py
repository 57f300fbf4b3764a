"""NeMo's duplex speech-to-speech data: Lhotse Shar with the user's audio as recording, the agent's as target_audio.

Read by `nemo.collections.speechlm2.data.DuplexS2SDataset` from an `input_cfg` of type lhotse_shar. The user is heard at
16 kHz and the agent at 22.05 kHz, the rates of NeMo's recipes; supervisions name the speakers agent and user.
"""

from __future__ import annotations

import numpy as np

from ..audio import SAMPLE_RATE, Samples, encode_flac, read, resample
from ..record import AGENT_CHANNEL, USER_CHANNEL, Dialogue
from .cut_records import Json, recording_of, supervisions
from .exporting import Exporter, Part
from .lhotse_shar import write_cuts
from .tar import TarShard, tar_shard

USER_RATE, AGENT_RATE = 16_000, 22_050  # Hz


def part(part: Part) -> None:
    """Write one shard: cuts, the users' audio and the agents' audio."""
    tree, number = part.target.tree, f"{part.index:06d}"
    with tar_shard(tree / f"recording.{number}.tar") as user, tar_shard(tree / f"target_audio.{number}.tar") as agent:
        for dialogue in part.dialogues:
            audio = read(part.audio(dialogue))
            _add(user, dialogue.id, audio[USER_CHANNEL], USER_RATE)
            _add(agent, dialogue.id, audio[AGENT_CHANNEL], AGENT_RATE)
    write_cuts(tree, part.index, map(mono_cut, part.dialogues))


def mono_cut(dialogue: Dialogue) -> Json:
    """The MonoCut of the user's channel, with the turns of both."""
    assert dialogue.audio is not None, "only recorded dialogues are stored"
    samples = _length(dialogue.audio.samples, USER_RATE)
    return {
        "id": dialogue.id,
        "start": 0,
        "duration": samples / USER_RATE,
        "channel": 0,
        "supervisions": [{**turn, "channel": 0} for turn in supervisions(dialogue) if isinstance(turn, dict)],
        "recording": recording_of(dialogue.id, 1, USER_RATE, samples),
        "type": "MonoCut",
    }


def _add(archive: TarShard, id: str, channel: Samples, rate: int) -> None:
    length = _length(len(channel), rate)
    moved = np.clip(resample(channel, SAMPLE_RATE, rate)[:length], -1, 1)
    padded = np.pad(moved, (0, length - len(moved)))
    archive.add_audio(id, encode_flac(padded[None], rate), recording_of(id, 1, rate, length))


def _length(samples: int, rate: int) -> int:
    """Samples at `rate` of as many samples at the corpus's rate, half rounded up as Lhotse does."""
    return (2 * samples * rate + SAMPLE_RATE) // (2 * SAMPLE_RATE)


EXPORTER = Exporter(part)
