"""Probes: what is said to a model to judge it, cut out of a held-out corpus with the exact labels of its records.

A probe is a stretch of a dialogue up to the end of a user's turn, then a quiet room. The agent's side of the dialogue
is forced upon the model until the turn begins, so that it knows what is talked about; from then on it is free.

    turn             the user's turn as it is, with its pauses; perhaps a question with a checkable answer
    clean            the same, to compare the next four with
    interruption, backchannel, talk_to_other, background
                     1 s after the agent has begun to answer, the user says something more, or somebody else does
    dialogue         the user's whole side
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from codec.metrics import Skipped
from corpus.audio import FRAME_SECONDS, SAMPLE_RATE, Samples, to_samples
from corpus.interleave import TimedWord
from corpus.reader import Corpus
from corpus.record import AGENT_CHANNEL, USER_CHANNEL, Dialogue, Question, TimingStats, Turn
from corpus.timing import Segment, measure, speech_segments

from ..offline.users import Provoker, RecordedUser, agent_segments
from .turn_taking import SpeechTimes

Kind = Literal["turn", "clean", "interruption", "backchannel", "talk_to_other", "background", "dialogue"]
Disturbance = Literal["interruption", "backchannel", "talk_to_other", "background"]
DISTURBANCES: tuple[Disturbance, ...] = get_args(Disturbance)

CONTEXT = 8.0  # s of dialogue before the user's turn
TAIL = 6.0  # s of quiet after it
DISTURBED_TAIL = 10.0  # s after the turn of a probe that is disturbed
PAUSE = 0.7  # s: silences inside a turn that count as pauses
LATE = 0.3  # s by which the agent's own last turn may run into the user's
SHORTEST_TURN, LONGEST_TURN = 0.6, 20.0  # s
SHORTEST_ANSWER = 1.2  # s of the corpus' own agent, so that an answer can be told from a backchannel
LONGEST_INTERRUPTION = 5.0  # s
LONGEST_DIALOGUE = 60.0  # s
BACKGROUND_GAIN = 0.35  # of a voice in the room
FLOOR_DBFS = -65.0  # of a quiet room where the record names none
FADE = 240  # samples
CLAUSE_ENDS = ",.?!;:"
BEYOND = "beyond"  # the topic of what the agent does not know


@dataclass(frozen=True)
class Probe:
    """One talk to hold with a model. Times are seconds from its own start."""

    id: str
    kind: Kind
    user: Samples  # float32 [T], until the end of the turn
    agent: Samples  # float32 [T'], of the corpus, until the model is free
    words: tuple[TimedWord, ...]  # of the agent until then
    turn: Segment  # the user's
    tail: float = TAIL
    floor_dbfs: float = FLOOR_DBFS
    pauses: tuple[Segment, ...] = ()
    clause_ends: tuple[float, ...] = ()
    text: str = ""  # of the user's turn
    question: Question | None = None
    disturbance: Samples | None = None  # what is said once the agent speaks
    disturbance_text: str = ""
    answer: Segment = (0.0, 0.0)  # of the corpus' own agent
    listened: tuple[float, ...] = ()  # onsets of the corpus' own backchannels in the turn
    stats: TimingStats | None = None  # of a dialogue

    @property
    def free(self) -> float:
        """When the model is free to say what it likes."""
        return len(self.agent) / SAMPLE_RATE


@dataclass(frozen=True)
class ProbeSet:
    """All probes of an evaluation, and the kinds that the corpus could not give."""

    probes: tuple[Probe, ...]
    missing: tuple[Skipped, ...]

    def of(self, kind: Kind) -> list[Probe]:
        """The probes of a kind, in order."""
        return [probe for probe in self.probes if probe.kind == kind]


def talker(probe: Probe) -> RecordedUser | Provoker:
    """Who holds the talk of a probe."""
    if probe.kind == "dialogue":
        return RecordedUser(probe.user)
    return Provoker(probe.user, probe.turn[1] + probe.tail, probe.disturbance, probe.floor_dbfs)


def build_probes(corpus: Corpus, count: int, seed: int = 0) -> ProbeSet:
    """Cut `count` turns, drawn by seed, a third as many of each disturbance, and an eighth as many dialogues.

    Up to half of the turns are checkable questions and up to a quarter more have pauses; those that the corpus' agent
    answers at greatest length are disturbed.

    Raises:
        ValueError: the corpus holds no turn of a user that an agent answered.
    """
    rng = random.Random(seed)
    dialogues = [dialogue for dialogue in corpus if dialogue.audio is not None]
    rng.shuffle(dialogues)
    usable = [(dialogue, turn) for dialogue in dialogues for turn in dialogue.turns if _usable(dialogue, turn)]
    if not usable:
        raise ValueError(f"{corpus.directory} holds no turn of a user that an agent answers: nothing to judge with")
    turns: list[Probe] = []
    chosen = _draw(usable, count, rng)
    for dialogue in dialogues:
        wanted = [turn for own, turn in chosen if own is dialogue]
        audio = corpus.audio(dialogue) if wanted else None
        turns += [_probe(dialogue, audio, turn) for turn in wanted if audio is not None]
    openings = sorted(turns, key=lambda probe: probe.answer[0] - probe.answer[1])[: max(1, count // 3)]
    disturbed, missing = _disturb(openings, corpus, dialogues, rng)
    clean = [replace(each, kind="clean", tail=DISTURBED_TAIL) for each in openings] if disturbed else []
    whole = (_dialogue(dialogue, corpus.audio(dialogue)) for dialogue in dialogues if _lasts(dialogue))
    return ProbeSet(
        (*turns, *clean, *disturbed, *itertools.islice(whole, max(1, count // 8))),
        tuple(missing),
    )


def question_probes(corpus: Corpus) -> list[Probe]:
    """Every checkable question of a user that the corpus' agent answers, as a turn, in the order of the corpus."""

    def is_asked(dialogue: Dialogue, turn: Turn) -> bool:
        asked = turn.question is not None and turn.speaker == "user" and turn.start is not None
        return asked and _answer(dialogue, turn) is not None

    return _turns_of(corpus, is_asked)


def beyond_probes(corpus: Corpus) -> list[Probe]:
    """Every request of a user that lies beyond what the corpus' agent knows, as a turn, in the order of the corpus."""

    def is_beyond(dialogue: Dialogue, turn: Turn) -> bool:
        return turn.topic == BEYOND and turn.act in ("ask", "inform") and _usable(dialogue, turn)

    return _turns_of(corpus, is_beyond)


def _turns_of(corpus: Corpus, wanted: Callable[[Dialogue, Turn], bool]) -> list[Probe]:
    probes: list[Probe] = []
    for dialogue in corpus:
        turns = [turn for turn in dialogue.turns if wanted(dialogue, turn)]
        if turns and dialogue.audio is not None:
            audio = corpus.audio(dialogue)
            probes += [_probe(dialogue, audio, turn) for turn in turns]
    return probes


def _draw(usable: Sequence[tuple[Dialogue, Turn]], count: int, rng: random.Random) -> list[tuple[Dialogue, Turn]]:
    """Up to `count` turns, questions and pauses among them as far as there are."""
    shuffled = list(usable)
    rng.shuffle(shuffled)
    asked = [pair for pair in shuffled if pair[1].question is not None]
    paused = [pair for pair in shuffled if pair[1].question is None and _pauses(pair[1], 0.0)]
    first = asked[: count // 2] + paused[: count // 4]
    taken = {id(turn) for _, turn in first}
    return (first + [pair for pair in shuffled if id(pair[1]) not in taken])[:count]


def _usable(dialogue: Dialogue, turn: Turn) -> bool:
    """Whether a turn is the user's, whole, answered, and begun when the agent was done."""
    if turn.speaker != "user" or turn.event not in ("turn", "resume", "repair") or turn.interrupted_by is not None:
        return False
    if turn.start is None or turn.end is None or not SHORTEST_TURN <= turn.end - turn.start <= LONGEST_TURN:
        return False
    answer = _answer(dialogue, turn)
    if answer is None or answer.start is None or answer.end is None or answer.end - answer.start < SHORTEST_ANSWER:
        return False
    before = [t.end for t in dialogue.turns if t.speaker == "agent" and t.start is not None and t.start < turn.start]
    return max((end or 0.0 for end in before), default=0.0) < turn.start + LATE


def _lasts(dialogue: Dialogue) -> bool:
    """Whether enough of a dialogue is left once the model is free."""
    return dialogue.audio is not None and dialogue.audio.duration >= 2 * CONTEXT


def _pauses(turn: Turn, begin: float) -> tuple[Segment, ...]:
    """The silences inside a turn, in seconds from `begin`."""
    gaps = ((one.end - begin, two.start - begin) for one, two in itertools.pairwise(turn.words))
    return tuple((start, end) for start, end in gaps if end - start >= PAUSE)


def _answer(dialogue: Dialogue, turn: Turn) -> Turn | None:
    """The agent's turn right after a user's; None if the user or somebody else goes on."""
    later = (t for t in dialogue.turns[turn.index + 1 :] if t.event != "backchannel")
    following = next(later, None)
    return following if following is not None and following.speaker == "agent" else None


def _probe(dialogue: Dialogue, audio: Samples, turn: Turn) -> Probe:
    assert turn.start is not None
    assert turn.end is not None
    frames = int(max(turn.start - CONTEXT, 0.0) / FRAME_SECONDS)
    begin = frames * FRAME_SECONDS
    free = int((turn.start - begin) / FRAME_SECONDS) * FRAME_SECONDS + begin
    answer = _answer(dialogue, turn)
    assert answer is not None
    assert answer.start is not None
    assert answer.end is not None
    own = [t.start - begin for t in dialogue.turns if _listens(t, turn) and t.start is not None]
    return Probe(
        id=f"{dialogue.id}-{turn.index:03d}",
        kind="turn",
        user=audio[USER_CHANNEL, to_samples(begin) : to_samples(turn.end)],
        agent=audio[AGENT_CHANNEL, to_samples(begin) : to_samples(free)],
        words=_agent_words(dialogue, begin, free),
        turn=(turn.start - begin, turn.end - begin),
        floor_dbfs=FLOOR_DBFS if dialogue.acoustics is None else dialogue.acoustics.floor_dbfs[1],
        pauses=_pauses(turn, begin),
        clause_ends=tuple(word.end - begin for word in turn.words if word.text[-1] in CLAUSE_ENDS),
        text=turn.spoken_text,
        question=turn.question,
        answer=(answer.start - begin, answer.end - begin),
        listened=tuple(own),
    )


def _listens(turn: Turn, heard: Turn) -> bool:
    """Whether a turn is the agent's backchannel in another one."""
    assert heard.start is not None
    assert heard.end is not None
    during = turn.start is not None and heard.start <= turn.start <= heard.end
    return turn.speaker == "agent" and turn.event == "backchannel" and during


def _agent_words(dialogue: Dialogue, begin: float, end: float) -> tuple[TimedWord, ...]:
    words = (word for word in dialogue.words(AGENT_CHANNEL) if begin <= word.start < end)
    return tuple(TimedWord(word.text, word.start - begin, word.end - begin) for word in words)


def _dialogue(dialogue: Dialogue, audio: Samples) -> Probe:
    """A dialogue's first minute, the agent's side forced for the first few seconds."""
    audio = audio[:, : to_samples(LONGEST_DIALOGUE)]
    free, end = int(CONTEXT / FRAME_SECONDS) * FRAME_SECONDS, audio.shape[1] / SAMPLE_RATE
    segments = agent_segments(audio[AGENT_CHANNEL]), speech_segments(audio[USER_CHANNEL])
    sides = [SpeechTimes(tuple(side)).within(free, end) for side in segments]
    return Probe(
        id=dialogue.id,
        kind="dialogue",
        user=audio[USER_CHANNEL],
        agent=audio[AGENT_CHANNEL, : to_samples(free)],
        words=_agent_words(dialogue, 0.0, free),
        turn=(0.0, end),
        tail=0.0,
        stats=measure([side.segments for side in sides], end - free),
    )


def _disturb(
    openings: Sequence[Probe], corpus: Corpus, dialogues: Sequence[Dialogue], rng: random.Random
) -> tuple[list[Probe], list[Skipped]]:
    """Every opening with every disturbance that the corpus has sound for, and the ones it has none for."""
    by_id = {dialogue.id: dialogue for dialogue in dialogues}
    probes: list[Probe] = []
    missing = []
    for kind in DISTURBANCES:
        pool = [(dialogue, turn) for dialogue in dialogues for turn in dialogue.turns if _disturbs(kind, turn)]
        if not pool:
            missing.append(Skipped(kind, f"{corpus.directory} holds no turn to make such a disturbance of"))
            continue
        for probe in openings:
            dialogue, turn = _choose(kind, by_id[probe.id.rsplit("-", 1)[0]], probe, pool, rng)
            sound = _cut(corpus.audio(dialogue)[USER_CHANNEL], turn)
            gain = BACKGROUND_GAIN if kind == "background" and turn.speaker == "user" else 1.0
            probes.append(
                replace(
                    probe,
                    kind=kind,
                    tail=DISTURBED_TAIL,
                    disturbance=gain * sound,
                    disturbance_text=turn.spoken_text,
                    question=turn.question,
                )
            )
    return probes, missing


def _disturbs(kind: Disturbance, turn: Turn) -> bool:
    """Whether a turn's sound serves as a disturbance."""
    if turn.start is None or turn.end is None or turn.interrupted_by is not None:
        return False
    if kind == "background":
        return turn.speaker == "other" or (turn.speaker == "user" and turn.event == "turn" and turn.question is None)
    if turn.speaker != "user":
        return False
    if kind == "backchannel":
        return turn.event == "backchannel"
    if kind == "talk_to_other":
        return turn.event == "aside"
    asks = turn.event == "turn" and turn.question is not None
    return (turn.event == "interrupt" or asks) and turn.end - turn.start <= LONGEST_INTERRUPTION


def _choose(
    kind: Disturbance, own: Dialogue, probe: Probe, pool: Sequence[tuple[Dialogue, Turn]], rng: random.Random
) -> tuple[Dialogue, Turn]:
    """A turn in the voice of the probe's user, or for the background in another one, where there is such a turn."""
    voice = own.speaker("user").voice
    same = [pair for pair in pool if pair[1].text != probe.text and pair[0].speaker(pair[1].speaker).voice == voice]
    others = [pair for pair in pool if pair[0].speaker(pair[1].speaker).voice != voice]
    return rng.choice((others if kind == "background" else same) or list(pool))


def _cut(channel: Samples, turn: Turn) -> Samples:
    """A turn's sound with short fades."""
    assert turn.start is not None
    assert turn.end is not None
    sound = channel[max(0, to_samples(turn.start) - FADE) : to_samples(turn.end) + FADE].copy()
    ramp = np.linspace(0.0, 1.0, FADE, dtype=np.float32)
    sound[:FADE] *= ramp
    sound[-FADE:] *= ramp[::-1]
    return sound
