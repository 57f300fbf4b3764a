"""Capitals and other settled facts, from the tables."""

from __future__ import annotations

from ..spoken import cardinal, ordinal, spelled
from ..stage import Stage
from ..tables import table
from .check import Check, check

# Countries on two continents, by one way of counting or another: not asked for their continent.
_TWO_CONTINENTS = ("Armenia", "Azerbaijan", "Cyprus", "Egypt", "Georgia", "Kazakhstan", "Russia", "Turkey")


def capital(stage: Stage) -> Check:
    """Capitals, countries of capitals, continents of countries."""
    country, city, continent = stage.deal("capitals", table("capitals"))
    other = stage.deal("capitals", table("capitals"))
    chance = stage.rng.random()
    if chance < 0.6:
        return check(
            "capital",
            city,
            "[what's the capital of|which city is the capital of] <{country}>?",
            "[It's|The capital of {country} is|That's] <{answer}>.",
            other[1],
            country=country,
        )
    if chance < 0.85 and city != country:
        return check(
            "capital",
            country,
            "[which country has <{city}> as its capital?|<{city}> is the capital of which country?]",
            "[That's|{city} is the capital of|It's the capital of] <{answer}>.",
            other[0],
            city=city,
        )
    if country in _TWO_CONTINENTS:
        return capital(stage)
    wrong = other[2] if other[2] != continent else "Antarctica"
    return check(
        "fact",
        continent,
        "[on which|on what] continent {be} <{country}>?",
        "{country} {be} in <{answer}>.",
        wrong,
        "it's in <{answer}>.",
        country=country,
        be="are" if country in ("the Bahamas", "the Maldives", "the Philippines") else "is",
    )


def fact(stage: Stage) -> Check:
    """Settled facts: of the table, of elements, planets and young animals."""
    form = stage.deal("facts forms", ("table", "table", "table", "young", "element", "number", "planet"))
    if form == "table":
        question, answer, statement = stage.deal("facts", table("facts"))
        return check(
            "fact",
            answer,
            f"[{question}?|{question}, do you know?]",
            f"[{statement}|{statement}, as far as I know].",
            "",
            f"{statement}.",
        )
    if form == "young":
        animal, young = stage.deal("young", table("young"))
        other = stage.deal("young", table("young"))[1]
        return check(
            "fact",
            young,
            "[what do you call|what's the word for] a [baby|young] <{animal}>?",
            "[It's called a|A [baby|young] {animal} is a|That's a] <{answer}>.",
            f"a {other}" if other != young else "",
            "it's a <{answer}>.",
            animal=animal,
        )
    symbol, name, number = stage.deal("elements", table("elements"))
    if form == "element":
        return check(
            "fact",
            spelled(symbol),
            "what's the chemical symbol for <{name}>?",
            "[The symbol for {name} is|It's] {answer}.",
            "",
            "it's {answer}.",
            name=name,
        )
    if form == "number":
        return check(
            "fact",
            cardinal(int(number)),
            "what's the atomic number of <{name}>?",
            "[The atomic number of {name} is|It's|{name} is number] <{answer}>.",
            cardinal(int(number) + 2),
            name=name,
        )
    planet, order, remark = stage.deal("planets", table("planets"))
    return check(
        "fact",
        planet,
        f"which planet is the {ordinal(int(order))} from the sun?",
        f"[That's|It's] <{{answer}}>, [and {remark}|{remark}].",
        "",
        "it's <{answer}>.",
    )
