"""Who has the floor: a pure function of a small state, one decision every 80 ms, its clock the frames it is called for.

    state, actions = decide(state, inputs, manners)

| mode | what is heard or known | what is done | next mode |
|---|---|---|---|
| listening, holding | silence after words, perhaps the turn's end | think | thinking |
| listening | a long turn, a short silence in its midst | nod | listening |
| holding | words that only ask to stop or to wait | drop | holding |
| any silent one | somebody wants the agent to speak | think | thinking |
| thinking | the user goes on | discard | listening |
| thinking | the ear corrects the words | discard, think | thinking |
| thinking | the turn is over and an answer has sound | begin | speaking |
| thinking | the turn is over and the mind is late | fill | speaking |
| thinking | no answer comes | drop | listening |
| speaking | the user's voice | duck | ducked |
| speaking, ducked | "stop", "wait" | stop, drop | holding |
| speaking, ducked | other words, no sign of listening and no echo | stop | stopped |
| speaking, ducked | the answer is over | | listening |
| ducked | the voice goes on and does not sound like a sign of listening | stop | stopped |
| ducked | silence again | resume | speaking |
| speaking | "mhm", or an echo | drop | speaking |
| stopped | silence after "mhm", an echo or no words at all | resume, drop | speaking |
| stopped | silence after "stop", "wait" | drop | holding |
| stopped | silence after other words | think | thinking |

The turn is over when, for the silence so far, the chance of its end is enough (`Manners.thresholds`), or patience is at
its end. A sentence that breaks off ("I would like a") waits for patience. Nobody is answered who was not heard saying
words: noise and silence never make the agent speak.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from corpus.audio import FRAME_SECONDS

from ..listener import Cues
from .manners import Manners, frames
from .phrases import begins_with_stop, is_echo, is_hum, is_nod, is_stop, is_unfinished, same_words

Mode = Literal["listening", "thinking", "speaking", "ducked", "stopped", "holding"]
ActionKind = Literal["think", "discard", "begin", "nod", "duck", "resume", "stop", "fill", "drop"]

VOICE = 0.5  # chance of speech from which a frame is the user's voice
GOES_ON = 2  # frames of voice in a row that end thinking ahead
AHEAD, AHEAD_CHANCE, AHEAD_ANYWAY = (
    2,
    0.2,
    6,
)  # frames of silence, chance of an end; frames after which it does not matter
STOP, STOP_SURELY = (
    4,
    10,
)  # frames of voice that stop an answer; those that do even if they sound like a sign of listening
SIGN = 0.5  # chance of a sign of listening
QUIET = 3  # frames of silence after which an interruption is over
SHORT = 14  # frames of voice that a sign of listening may have
LOST = 15  # frames of silence after which no words will come any more
NOD_EVERY, NOD_AFTER, NOD_LATEST = (
    4.0,
    3.0,
    6,
)  # s between nods at full eagerness; s of voice before one; frames of silence


@dataclass(frozen=True)
class Inputs:
    """What is known in a frame.

    Attributes:
        cues: of the frame.
        words: of the user, as far as the ear has them, that were not answered or dropped yet.
        fresh: the ear has listened to all of the user's voice.
        ready: the answer, or what was cut of it, has sound to play.
        over: the answer was voiced to its end, or there is none and none will come.
        saying: what the agent voices about now.
        asked: the agent's last words were a question.
        wanted: the agent is to speak without having been spoken to.
        can_nod: there is the sound of a nod.
    """

    cues: Cues
    words: str = ""
    fresh: bool = False
    ready: bool = False
    over: bool = False
    saying: str = ""
    asked: bool = False
    wanted: bool = False
    can_nod: bool = False


@dataclass(frozen=True)
class Action:
    """What is to be done now; `text`: the words thought about."""

    kind: ActionKind
    text: str = ""


@dataclass(frozen=True)
class FloorState:
    """All that the floor remembers. Counts are frames."""

    mode: Mode = "listening"
    frame: int = 0
    loud: int = 0  # of the user's voice in a row, up to now
    silent: int = 0  # since it was last heard
    voice: int = 0  # of it since the floor last changed hands
    thought: str = ""  # the words thought about
    told: bool = False  # the answer was asked for by somebody other than the user's words
    late: int = 0  # since the turn is over and the mind is not ready
    nodded: int = 0  # voice at the last nod


Decision = tuple[FloorState, tuple[Action, ...]]


def decide(state: FloorState, inputs: Inputs, manners: Manners) -> Decision:
    """What is done in this frame; see the table above."""
    voiced = inputs.cues.speech >= VOICE
    state = replace(
        state,
        frame=state.frame + 1,
        loud=state.loud + 1 if voiced else 0,
        silent=0 if voiced else state.silent + 1,
        voice=state.voice + voiced,
    )
    if state.mode in ("listening", "holding"):
        return _listen(state, inputs, manners)
    if state.mode == "thinking":
        return _think(state, inputs, manners)
    if state.mode == "stopped":
        return _stopped(state, inputs)
    return _speak(state, inputs, manners)


def _listen(state: FloorState, inputs: Inputs, manners: Manners) -> Decision:
    if inputs.wanted:
        return _thinking(replace(state, told=True), "")
    words = inputs.words
    if words and state.silent >= AHEAD and inputs.fresh:
        if (state.mode == "holding" and is_stop(words)) or (is_hum(words) and not inputs.asked):
            return (_rest(state, state.mode), (Action("drop"),)) if state.silent >= LOST else (state, ())
        likely = inputs.cues.turn_end >= AHEAD_CHANCE and not is_unfinished(words)
        if likely or state.silent >= AHEAD_ANYWAY:
            return _thinking(state, words)
    if _nods(state, inputs, manners):
        return replace(state, nodded=state.voice), (Action("nod"),)
    return state, ()


def _nods(state: FloorState, inputs: Inputs, manners: Manners) -> bool:
    """Whether this is the place for a sign of listening: a breath in a long turn that is clearly not over."""
    if not (manners.nodding and inputs.can_nod and state.mode == "listening"):
        return False
    spoke = (state.voice - state.nodded) * FRAME_SECONDS
    far = NOD_EVERY / manners.nodding if state.nodded else NOD_AFTER
    return spoke >= far and QUIET <= state.silent <= NOD_LATEST and inputs.cues.turn_end < AHEAD_CHANCE


def _think(state: FloorState, inputs: Inputs, manners: Manners) -> Decision:
    if state.loud >= GOES_ON:
        back: Mode = "listening"
        return replace(state, mode=back, thought="", told=False, late=0), (Action("discard"),)
    if not state.told and inputs.fresh and not same_words(inputs.words, state.thought):
        if not inputs.words:  # the ear takes them back
            return _rest(state, "listening"), (Action("discard"),)
        after, actions = _thinking(state, inputs.words)
        return after, (Action("discard"), *actions)
    if state.loud or not _turn_over(state, inputs, manners):
        return state, ()
    if inputs.ready:
        return _rest(state, "speaking"), (Action("begin"),)
    if inputs.over:
        return _rest(state, "listening"), (Action("drop"),)
    state = replace(state, late=state.late + 1)
    if manners.fill_after and state.late >= frames(manners.fill_after):
        return _rest(state, "speaking"), (Action("fill"),)
    return state, ()


def _turn_over(state: FloorState, inputs: Inputs, manners: Manners) -> bool:
    if state.told:
        return True
    silence = state.silent * FRAME_SECONDS
    if silence >= manners.patience:
        return True
    least = manners.after_question if inputs.asked else manners.after_statement
    if silence < least or is_unfinished(state.thought):
        return False
    return inputs.cues.turn_end >= manners.enough(silence)


def _speak(state: FloorState, inputs: Inputs, manners: Manners) -> Decision:
    """Speaking, loud or ducked."""
    if inputs.over:
        return replace(state, mode="listening", nodded=state.voice), ()
    echo = is_echo(inputs.words, inputs.saying)
    if inputs.words and not echo and begins_with_stop(inputs.words):
        if is_stop(inputs.words):
            return _rest(state, "holding"), (Action("stop"), Action("drop"))
        return replace(state, mode="stopped"), (Action("stop"),)
    if manners.uninterruptible:
        return state, ()
    if inputs.words and inputs.fresh and state.silent >= QUIET:
        if not echo and not is_nod(inputs.words):
            return replace(state, mode="stopped"), (Action("stop"),)
        resumed = (Action("resume"),) if state.mode == "ducked" else ()
        return _rest(state, "speaking"), (*resumed, Action("drop"))
    if state.mode == "speaking":
        return (replace(state, mode="ducked", voice=state.loud), (Action("duck"),)) if state.loud else (state, ())
    needed = STOP if inputs.cues.backchannel < SIGN else STOP_SURELY
    if state.loud and state.voice >= needed and not echo:
        return replace(state, mode="stopped"), (Action("stop"),)
    if state.silent >= QUIET:
        return replace(state, mode="speaking"), (Action("resume"),)
    return state, ()


def _stopped(state: FloorState, inputs: Inputs) -> Decision:
    """An answer was cut; who cut it still speaks, or just fell silent."""
    lost = state.silent >= LOST and not inputs.words
    if state.silent < QUIET or not (inputs.fresh or lost):
        return state, ()
    if is_stop(inputs.words):
        return _rest(state, "holding"), (Action("drop"),)
    listens = (is_nod(inputs.words) and state.voice <= SHORT) or is_echo(inputs.words, inputs.saying)
    if (lost or listens) and inputs.ready:
        return _rest(state, "speaking"), (Action("resume"), Action("drop"))
    if lost:
        return _rest(state, "listening"), (Action("drop"),)
    return _thinking(state, inputs.words) if inputs.words else (state, ())


def _thinking(state: FloorState, words: str) -> Decision:
    return replace(state, mode="thinking", thought=words, late=0), (Action("think", words),)


def _rest(state: FloorState, mode: Mode) -> FloorState:
    """The floor has changed hands: what was counted for the last turn counts no more."""
    return replace(state, mode=mode, voice=0, thought="", told=False, late=0, nodded=0)
