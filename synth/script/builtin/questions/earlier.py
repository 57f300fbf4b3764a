"""Questions about what was settled or asked before in the same dialogue."""

from __future__ import annotations

from ..spoken import cardinal, clock, count, duration, money
from ..stage import Memo, Stage
from .check import Check, check


def from_memo(stage: Stage) -> Check | None:
    """A question about something settled earlier in the dialogue: days until it, what it costs for all."""
    for memo in stage.memos:
        if f"asked {memo.ref}" in stage.slots:
            continue
        about = _about(stage, memo)
        if about is not None:
            stage.slots[f"asked {memo.ref}"] = ""
            return about
    return None


def _about(stage: Stage, memo: Memo) -> Check | None:
    if memo.cents and memo.people and memo.people > 1:
        total = money(memo.cents * memo.people)
        return check(
            "arithmetic",
            total,
            "[for|about] {ref} we talked about, if it's {each} each and {people}, [how much is that|what's that] "
            "altogether?",
            "[Altogether it's|That comes to|That's] <{answer}>.",
            money(memo.cents * (memo.people + 1)),
            ref=memo.ref,
            each=money(memo.cents),
            people=f"I take {cardinal(memo.people)}"
            if memo.kind == "order"
            else f"there are {cardinal(memo.people)} of us",
        )
    if memo.day is not None and (memo.day - stage.today).days > 1:
        ahead = (memo.day - stage.today).days
        return check(
            "date",
            count(ahead, "day"),
            "[how many days is it until|how many more days until] {ref}?",
            "[From today it's|That's|It's] <{answer}>.",
            count(ahead + 1, "day"),
            ref=memo.ref,
        )
    if memo.minutes and memo.kind == "recipe":
        end = clock(stage.now + memo.minutes, plain=True)
        return check(
            "time",
            end,
            "if I start {ref} at {now} and it takes {long}, when do we eat?",
            "[You eat at|At about|At] <{answer}>.",
            clock(stage.now + memo.minutes + 60, plain=True),
            ref=memo.ref,
            now=clock(stage.now, plain=True),
            long=duration(memo.minutes),
        )
    return None


def follow_up(stage: Stage, last: Check) -> Check | None:
    """A next question that takes up the last one, for arithmetic and spelling."""
    if last.kind == "arithmetic" and last.value and stage.rng.random() < 0.5:
        step = stage.rng.choice((2, 3, 4, 5))
        return check(
            "arithmetic",
            cardinal(last.value * step),
            f"[what's that|how much is that] times {cardinal(step)}?",
            "[That's|It's|Then it's] <{answer}>.",
            cardinal(last.value * step + step),
        )
    if last.kind == "spelling" and stage.rng.random() < 0.4:
        number = sum(letter.isalpha() for letter in last.answer.replace(" ", ""))
        return check(
            "counting",
            cardinal(number),
            "how many letters is that?",
            "[That's|It has|I count] <{answer}>[ letters|].",
            cardinal(number + 1),
        )
    return None
