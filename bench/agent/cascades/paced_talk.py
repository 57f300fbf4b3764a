"""A probe's talk by the clock on the wall: frames at the pace of speech, and what the agent did, with its times."""

from __future__ import annotations

import time
from collections.abc import Callable

from agent.assistant.partner import Assistant
from agent.judging.assistant import HUSH, HeldTalk, is_over
from agent.judging.assistant_probes import ProbeUser, VoiceProbe
from agent.live.talk_events import Happening
from corpus.audio import FRAME_SECONDS, Samples

from .loudspeaker import Loudspeaker

GAP = HUSH * FRAME_SECONDS  # s without a sound that end an agent's turn


class PacedTalk:
    """The user's side, and the notes. Times are seconds of the user's sound, which runs with the clock."""

    def __init__(self, probe: VoiceProbe, clock: Callable[[], float] = time.monotonic) -> None:
        self.probe, self.speaker = probe, Loudspeaker()
        self.happened: list[Happening] = []
        self._user, self._clock, self._start = ProbeUser(probe), clock, clock()
        self._frame, self._spoken, self._cut = 0, 0.0, False

    def begin(self) -> None:
        """It begins now, not when it was made."""
        self._start = self._clock()

    def now(self) -> float:
        """Where the talk is."""
        return self._clock() - self._start

    def frame(self) -> Samples | None:
        """What the user says in the next frame, having heard the agent's last; None when the talk is over."""
        heard = self.speaker.frame(self._frame - 1)
        begins = self._frame * FRAME_SECONDS
        self._spoken += FRAME_SECONDS if heard.any() and begins > self.probe.end else 0.0
        if is_over(self.probe, begins, self._spoken, self._user.onset):
            return None
        self._frame += 1
        return self._user.reply(heard)

    def until(self, part: float = 1.0) -> float:
        """Seconds from now until this part of the frame handed out last has been said."""
        return max(0.0, (self._frame - 1 + part) * FRAME_SECONDS - self.now())

    def play(self, sound: Samples) -> None:
        """The agent sounds now."""
        now = self.now()
        if self._cut or not self.speaker.playing(now, GAP):
            self.note("begin")
            self._cut = False
        self.speaker.play(now, sound)

    def interrupted(self) -> None:
        """What the agent still has to say is dropped."""
        if not self._cut and self.speaker.playing(self.now(), GAP):
            self.note("stop")
            self._cut = True

    def note(self, kind: str, text: str = "") -> None:
        """Something happens now; see `Happening`."""
        self.happened.append(Happening(self.now(), kind, text))

    def held(self) -> HeldTalk:
        """The talk as it was."""
        sound = self.speaker.sound(self._frame * FRAME_SECONDS)
        return HeldTalk(self.probe, sound, tuple(self.happened), self._user.onset)


def hold_paced(assistant: Assistant, probe: VoiceProbe) -> HeldTalk:
    """`agent.judging.assistant.hold` for parts whose lanes are threads: nothing but the clock tells what they cost."""
    slot, talk = assistant.open(), PacedTalk(probe)
    try:
        while (frame := talk.frame()) is not None:
            time.sleep(talk.until())
            out = assistant.step({slot: frame})[slot]
            talk.happened += [event for event in out.events if isinstance(event, Happening)]
            if out.audio.any():
                talk.speaker.play(talk.now(), out.audio)
    finally:
        assistant.close(slot)
    return talk.held()
