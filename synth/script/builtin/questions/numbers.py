"""Sums and conversions of units."""

from __future__ import annotations

from dataclasses import replace

from ..spoken import cardinal, decimal, plural
from ..stage import Stage
from ..tables import table
from .check import Check, check


def _near(stage: Stage, number: int) -> int:
    return number + stage.rng.choice((-10, -2, -1, 1, 2, 10)) if number > 10 else number + stage.rng.choice((1, 2))


def arithmetic(stage: Stage) -> Check:
    """Plus, minus, times, divided by, or a percentage, with a whole result."""
    rng = stage.rng
    form = stage.deal("arithmetic forms", ("plus", "minus", "times", "divided by", "percent"))
    if form == "plus":
        a, b = rng.randint(12, 480), rng.randint(11, 390)
        result, words = a + b, f"{cardinal(a)} plus {cardinal(b)}"
        tens = b // 10 * 10
        how = (
            f"First add {cardinal(tens)}, which makes {cardinal(a + tens)}, and then add the other "
            f"{cardinal(b - tens)}."
        )
    elif form == "minus":
        a = rng.randint(60, 900)
        b = rng.randint(11, a - 10)
        result, words = a - b, f"{cardinal(a)} minus {cardinal(b)}"
        tens = b // 10 * 10
        how = (
            f"First take away {cardinal(tens)}, which leaves {cardinal(a - tens)}, and then {cardinal(b - tens)} more."
        )
    elif form == "times":
        a, b = rng.randint(3, 25), rng.randint(3, 60)
        result, words = a * b, f"{cardinal(a)} times {cardinal(b)}"
        how = (
            f"I did it in two steps, {cardinal(a)} times {cardinal(b - 1)} is {cardinal(a * b - a)}, and one more "
            f"{cardinal(a)}."
        )
    elif form == "divided by":
        b, result = rng.randint(3, 15), rng.randint(4, 60)
        words = f"{cardinal(b * result)} divided by {cardinal(b)}"
        how = (
            f"You can check it the other way round, {cardinal(result)} times {cardinal(b)} gives you "
            f"{cardinal(b * result)} again."
        )
    else:
        share, whole = rng.choice((5, 10, 15, 20, 25, 30, 50, 75)), rng.randint(2, 60) * 20
        result, words = whole * share // 100, f"{cardinal(share)} percent of {cardinal(whole)}"
        how = (
            f"One percent of {cardinal(whole)} would be {decimal(whole // 10)}, so you just take that "
            f"{cardinal(share)} times."
        )
    made = check(
        "arithmetic",
        cardinal(result),
        "[what's|how much is|what is] <{sum}>?",
        f"[That's|{{sum}} is|It's|That makes|The answer is] <{{answer}}>. [|{how}]",
        cardinal(_near(stage, result)),
        sum=words,
    )
    return replace(made, value=result)


def conversion(stage: Stage) -> Check:
    """Units with a whole factor, either way, and degrees Celsius in Fahrenheit."""
    rng = stage.rng
    if rng.random() < 0.15:
        celsius = rng.randint(-2, 20) * 5
        fahrenheit = celsius * 9 // 5 + 32
        return check(
            "conversion",
            cardinal(fahrenheit),
            "what's <{celsius} degrees> Celsius in Fahrenheit?",
            "[That's|It's|In Fahrenheit it's] <{answer}>[ degrees|].",
            cardinal(fahrenheit + 10),
            celsius=cardinal(celsius),
        )
    big, small, *numbers = stage.deal("units", table("units"))
    factor, low, high = map(int, numbers)
    number = rng.randint(low, high)
    large, little = ("dozen" if big == "dozen" else plural(big)), plural(small)
    if rng.random() < 0.6:
        amount = f"{cardinal(number)} {large}"
        return check(
            "conversion",
            cardinal(number * factor),
            "[how many {little} are there in <{amount}>?|how many {little} is <{amount}>?|what's <{amount}> in "
            "{little}?]",
            "[That's|{amount} is|It's] <{answer}> {little}.",
            cardinal(number * factor * 10 if factor > 60 else number * factor + factor),
            little=little,
            amount=amount,
        )
    amount = f"{cardinal(number * factor)} {little}"
    return check(
        "conversion",
        cardinal(number),
        "[how many {large} is|how many {large} are] <{amount}>?",
        "[That's|{amount} is|It's] <{answer}> {large}.",
        cardinal(number + 1),
        large=large,
        amount=amount,
    )
