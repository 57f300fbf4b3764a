"""What people do besides talking in turns: barge in, ask back, turn aside, think, stumble."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from . import macros
from .grammar import finish, lower_start, sentence_case
from .stage import Draft, Stage

LONG_LINE = 10  # words from which a line can be barged into
_REPEATABLE = 14  # words up to which a line is repeated whole
_SPACING = 3  # lines between two disturbances
_REPAIR_SPACING = 7  # lines between two repairs
_SPACING_LOSS = 1.4  # makes up for the occasions that spacing and unsuitable lines take away
_JOINTS = {"and", "then", "but", "so", "because", "which", "while", "until", "when", "or", "that", "who", "where"}
_CLAUSES = {"and", "then", "but", "so", "because", "while", "until", "when", "or"}
_PREPOSITIONS = {"with", "for", "on", "in", "at", "to", "from", "by", "into", "past", "after", "before", "of"}


@dataclass(frozen=True)
class Barge:
    """What somebody barges into a line with, as templates.

    `reply` answers it; with `restated` the cut line is then said anew to fit, else its remaining words follow.
    """

    ask: str
    reply: str
    restated: str | None = None


class Dice:
    """Decides when a behaviour occurs, so that its share of all its base lines comes out as asked."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._long = 0
        self._eligible: Counter[str] = Counter()
        self._last = -_SPACING
        self._last_repair = -_REPAIR_SPACING

    def count_long(self) -> None:
        """Count one line that the share of interruptions refers to."""
        self._long += 1

    def roll(self, name: str, weight: float = 1.0) -> bool:
        """Whether behaviour `name` occurs at this eligible line."""
        self._eligible[name] += 1
        base = self._long if name == "interruptions" else 1 + len(self._stage.lines)
        share: float = getattr(self._stage.brief.behaviours, name) * base / self._eligible[name]
        return self._stage.rng.random() < share * weight

    def aside(self) -> bool:
        """As `disturb`, at a reply of the user; replies are about half of all lines."""
        return self.disturb("asides", 0.5)

    def ask_back(self) -> bool:
        """As `disturb`, for repairs: these also keep apart from one another."""
        if len(self._stage.lines) - self._last_repair < _REPAIR_SPACING or not self.disturb("repairs", 1.15):
            return False
        self._last_repair = len(self._stage.lines) + 1
        return True

    def disturb(self, name: str, weight: float = 1.0) -> bool:
        """As `roll`, for behaviours that add lines: not right after another one."""
        if len(self._stage.lines) - self._last < _SPACING or not self.roll(name, weight * _SPACING_LOSS):
            return False
        self._last = len(self._stage.lines) + 1
        return True


def _say(stage: Stage, speaker: str, template: str, act: str, **slots: str) -> int:
    return stage.put(speaker, stage.compose(template, slots).text, act)


def _introduce(draft: Draft, introduction: str) -> int:
    """Put `introduction` before the draft, with a full stop where it cannot run on. Gives the words added."""
    lowered = lower_start(draft.text)
    if introduction[-1] in ".?!":
        return draft.insert(0, introduction)
    if lowered is not None:
        draft.words = lowered.split()
    return draft.insert(0, introduction)


def aside(stage: Stage, draft: Draft) -> None:
    """Before a reply the user talks to somebody in the room, who may answer; the agent stays silent."""
    ask, answer = stage.deal("asides", macros.ASIDES)
    slots = {"called": stage.kin_called}
    before = stage.lines[-1]
    reply = stage.put("user", stage.compose(ask, slots).text, "aside", "aside", reply_to=None)
    if stage.rng.random() < 0.6:
        stage.put("other", stage.compose(answer, slots).text, "aside", "aside", reply_to=reply)
    _introduce(draft, stage.compose(macros.BACK_FROM_ASIDE, {}).text)
    assert before.speaker == "agent"


def hold(stage: Stage, speaker: str, draft: Draft) -> None:
    """Before a reply the speaker asks for a moment; the other may say there is no hurry."""
    asked_when = any(word in stage.lines[-1].text.lower().split() for word in ("day", "time", "when"))
    topic = "" if stage.topic == "booking" and not asked_when else stage.topic
    template = macros.HOLD_AGENT if speaker == "agent" else macros.HOLD_USER.get(topic, macros.HOLD_USER[""])
    stage.put(speaker, stage.compose(template, {}).text, "hold", "hold")
    if stage.rng.random() < 0.35:
        _say(stage, "user" if speaker == "agent" else "agent", macros.HOLD_WAIT, "acknowledge")
    _introduce(draft, stage.grammar.expand(macros.HOLD_DONE, {}))


def ponder(stage: Stage, draft: Draft) -> int:
    """A long thinking pause inside the line: after opening words of thought. Gives the words before the pause."""
    commas = [n + 1 for n, word in enumerate(draft.words[:-3]) if word.endswith(",") and 1 <= n <= 8 and len(word) > 2]
    if commas and stage.rng.random() < 0.4:
        return commas[-1]
    return _introduce(draft, stage.grammar.expand(macros.PONDER, {}))


def stumble(stage: Stage, speaker: str, draft: Draft, act: str, middle: bool) -> None:
    """Put a filler at the start of the line, or after a comma inside it where `middle` allows."""
    inside = [
        n + 1
        for n, word in enumerate(draft.words[:-2])
        if word.endswith(",") and n > 0 and not any(a <= n < b for a, b in draft.keys)
    ]
    if middle and inside and stage.rng.random() < 0.5:
        draft.insert(stage.rng.choice(inside), stage.rng.choice(macros.MIDDLE_FILLERS[speaker]))
    else:
        _introduce(draft, stage.rng.choice(macros.START_FILLERS[act if act in macros.START_FILLERS else ""]))


def _key_text(draft: Draft, span: tuple[int, int]) -> str:
    words = " ".join(draft.words[span[0] : span[1]]).rstrip(",.?!")
    at_start = span[0] == 0 or draft.words[span[0] - 1][-1] in ".?!"
    return (lower_start(words) or words) if at_start else words


def ask_back(stage: Stage, speaker: str, draft: Draft) -> bool:
    """The listener did not hear: the line is repeated, or its key phrase. False where nothing can be repeated."""
    listener = "user" if speaker == "agent" else "agent"
    text = _without_preamble(draft.plain)
    if len(text.split()) <= _REPEATABLE:
        lowered = lower_start(text)
        again = macros.ASK_AGAIN if text.endswith("?") and text.count(". ") == 0 else macros.SAY_AGAIN
        restated = f"{macros.SAY_PLAIN} {text}" if lowered is None else f"{again} {lowered}"
        ask = macros.WHAT
    elif draft.keys and draft.text[-1] != "?":
        span = stage.rng.choice(draft.keys)
        part = _sentence_around(draft, span)
        if len(part.split()) > _REPEATABLE + 6:
            part = f"{macros.KEY_AGAIN} {_key_text(draft, span)}."
        ask, restated = macros.WHAT_PART, f"{macros.SAY_PLAIN} {part}"
    else:
        return False
    index = len(stage.lines) - 1
    _say(stage, listener, ask, "clarify")
    stage.put(speaker, finish(stage.grammar.expand(restated, {})).text, "repair", "repair", reply_to=index + 1)
    return True


def _sentence_around(draft: Draft, span: tuple[int, int]) -> str:
    """The sentence of the line that a key phrase ends in."""
    ends = [n + 1 for n, word in enumerate(draft.words) if word[-1] in ".?!"]
    start = max((end for end in ends if end < span[1]), default=0)
    return " ".join(draft.words[start : min(end for end in ends if end >= span[1])])


def _without_preamble(text: str) -> str:
    """The line without a short first sentence ("Great.")."""
    first, mark, rest = text.partition(". ")
    return rest if mark and len(first.split()) <= 4 and len(rest.split()) >= 4 else text


def cut_point(stage: Stage, draft: Draft, after: int = 0) -> int | None:
    """Words after which the line is cut: between 40 and 80 %, at a joint where there is one, not inside a key."""
    total = len(draft.words)
    best: list[int] = []
    best_score = 1
    for cut in range(max(math.ceil(0.4 * total), after), math.floor(0.8 * total) + 1):
        if any(a < cut < b for a, b in draft.keys):
            continue
        if draft.words[cut - 2][-1] in ".?!":
            continue
        last, following = draft.words[cut - 1], draft.words[cut].lower()
        score = 3 if last.endswith(",") else 2 if following in _JOINTS else 1 if following in _PREPOSITIONS else 0
        if score > best_score:
            best, best_score = [], score
        if score == best_score:
            best.append(cut)
    return stage.rng.choice(best) if best else None


def clause_start(words: list[str], cut: int) -> int:
    """The word to take up a cut line again: the start of the clause that the cut is in, or that it comes before."""
    starts = [at for at in range(1, cut + 1) if words[at - 1][-1] in ",.?!" or words[at].lower() in _CLAUSES]
    return starts[-1] if starts and words[starts[-1]].lower() not in _PREPOSITIONS else 0


def barge_in(stage: Stage, index: int, draft: Draft, barge: Barge | None, loose: bool, slots: dict[str, str]) -> bool:
    """The other side cuts line `index` off; its speaker answers and resumes, restates or gives up."""
    speaker = stage.lines[index].speaker
    other = "user" if speaker == "agent" else "agent"
    restated: str | None
    keys = [span for span in draft.keys if span[1] <= 0.8 * len(draft.words)]
    span = stage.rng.choice(keys) if keys else (0, 0)
    cut = cut_point(stage, draft, keys[0][1] if barge and keys else span[1])
    if cut is None:
        return False
    chance = stage.rng.random()
    if barge is None and loose and chance < 0.3:
        ask, reply, restated = macros.ENOUGH, macros.ENOUGH_REPLY, ""
    elif barge is not None:
        ask, reply, restated = barge.ask, barge.reply, barge.restated
    elif keys:
        slots = {"key": _key_text(draft, span)}
        ask, reply, restated = macros.CHECK_KEY, macros.CONFIRM_KEY, None
    elif speaker == "agent":
        ask, reply, restated = macros.SLOWER, macros.SLOWER_REPLY, None
    elif chance < 0.6:
        ask, reply, restated = macros.GO_AHEAD, "[No worries.|No problem.|It's fine.|That's okay.]", None
    else:
        ask, reply, restated = macros.BROKE_UP, macros.RESTART, draft.plain
    stage.cut(index, cut)
    interruption = stage.put(other, stage.compose(ask, slots).text, "interrupt", "interrupt", reply_to=index)
    if restated is None:
        start = clause_start(draft.words, cut) if stage.wide else cut
        _resume(stage, index, " ".join(draft.words[start:]), reply, slots)
    elif not restated:
        _say(stage, speaker, reply, "acknowledge", **slots)
    else:
        text = stage.compose(f"{reply} {restated}", slots).text
        stage.put(speaker, text, "repair", "repair", reply_to=interruption)
    return True


def _resume(stage: Stage, index: int, rest: str, reply: str, slots: dict[str, str]) -> None:
    """Answer the interruption and say the remaining words, in one breath or after being told to go on."""
    speaker = stage.lines[index].speaker
    other = "user" if speaker == "agent" else "agent"
    answer = stage.compose(reply, slots).text
    lead = stage.grammar.expand(macros.AS_I_WAS_SAYING, {})
    lowered = lower_start(rest) if rest[0].isupper() else rest
    joined = rest.split(" ", 1)[0].lower() in _JOINTS
    continued = f"{lead} {lowered}" if lead and lowered and not joined else rest
    if stage.rng.random() < 0.5:
        stage.put(speaker, answer, "answer")
        _say(stage, other, macros.CARRY_ON, "acknowledge")
        stage.put(speaker, finish(continued).text, "resume", "resume", reply_to=index)
    else:
        stage.put(speaker, sentence_case(f"{answer} {finish(continued).text}"), "resume", "resume", reply_to=index)
