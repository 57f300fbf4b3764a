"""The turns of a model that speaks by itself, found in its sound and words; what clients may ask of it meanwhile.

The model takes its turns as it likes. A turn begins with its first word or voice and ends once it was quiet for a
while. `Respond` makes it want words for a moment, `Cancel` silences it till the user has finished, and without turn
detection it is silent but for what it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.audio import FRAME_SAMPLES, Samples

from .controls import MOST_BIAS, Controls
from .frame_out import FrameOut
from .talk_events import AgentBegan, AgentEnded, EndOfTurn, TalkEvent
from .voice_activity import VoiceActivity
from .wishes import Cancel, Respond, TalkSettings, TurnRules, Wish

URGE = 8.0  # added to EPAD's logit by `Respond`
URGED_FRAMES = 25  # how long, at most; a model that has not spoken then has nothing to say
QUIET_FRAMES = 8  # 640 ms without words or voice end a turn
HELD_FRAMES = 12  # after `Cancel`, when the user is not speaking


@dataclass
class BareTurns:
    """One conversation's turns; a value but for its two voice activities."""

    controls: Controls
    rules: TurnRules = field(default_factory=TurnRules)
    turn: int = 0
    speaking: bool = False  # the agent, from AgentBegan to AgentEnded
    text: str = ""  # of the turn
    quiet: int = 0  # frames
    wish: str = ""  # of the `Respond` that is to be met, or is being met
    urged: int = 0  # frames left in which the model is urged
    held: int = 0  # frames left of a cancellation
    samples: int = 0  # of both sides so far
    agent: VoiceActivity = field(default_factory=VoiceActivity)
    user: VoiceActivity = field(default_factory=VoiceActivity)
    news: list[TalkEvent] = field(default_factory=list)  # to go out with the next frame

    def ask(self, wish: Wish) -> None:
        """Heed a wish."""
        if isinstance(wish, TalkSettings):
            self.rules = wish.turns
            if wish.turns.kind == "none":
                self._end("cancelled")  # it spoke unasked
        elif isinstance(wish, Respond):
            self._end("interrupted")
            self.wish, self.urged, self.held = wish.id, URGED_FRAMES, 0
        elif isinstance(wish, Cancel):
            self.urged, self.held = 0, HELD_FRAMES
            self._end("cancelled")

    def wanted(self) -> Controls:
        """The controls of the next frame."""
        own_will = self.rules.kind != "none" and self.rules.responds
        if self.held or not (own_will or self.speaking or self.urged):
            return self.controls.changed(hold=True)
        if self.urged and not self.speaking:
            eager = min(MOST_BIAS, self.controls.end_pad_bias + URGE)
            return self.controls.changed(hold=False, end_pad_bias=eager)
        return self.controls

    def hear(self, frame: Samples, out: FrameOut) -> tuple[TalkEvent, ...]:
        """What happened in a frame that the user said and its answer."""
        self.samples += FRAME_SAMPLES
        self.user.hear(frame, self.samples)
        self.agent.hear(out.audio, self.samples)
        self.held = max(0, self.held - 1) if not self.user.speaking else self.held
        active = bool(out.text) or self.agent.speaking
        if active and not self.speaking and not self.held:
            self._begin()
        elif self.urged and not self.speaking:
            self.urged -= 1
            if not self.urged:  # it has nothing to say
                self._begin()
                self._end("completed")
        if self.speaking:
            self.text += out.text
            self.quiet = 0 if active else self.quiet + 1
            if self.quiet >= QUIET_FRAMES:
                self._end("completed")
        news, self.news = tuple(self.news), []
        return news

    def _begin(self) -> None:
        self.turn += 1
        self.speaking, self.text, self.quiet, self.urged = True, "", 0, 0
        self.news.append(AgentBegan(self.turn, self.wish))
        self.wish = ""

    def _end(self, status: EndOfTurn) -> None:
        if self.speaking:
            self.speaking = False
            self.news.append(AgentEnded(self.turn, status, self.text.strip()))
