"""Counting and spelling."""

from __future__ import annotations

from ..spoken import cardinal, spelled
from ..stage import Stage
from ..tables import table
from .check import Check, check


def counting(stage: Stage) -> Check:
    """Letters, vowels or one letter in a word, or numbers between two numbers."""
    rng = stage.rng
    word = stage.deal("words", [row[0] for row in table("words")])
    form = stage.deal("counting forms", ("letters", "vowels", "one", "between"))
    slots = {"word": word}
    if form == "letters":
        number, ask, what = len(word), "how many letters are there in the word <{word}>?", "letter"
    elif form == "vowels":
        number = sum(letter in "aeiou" for letter in word.lower())
        ask, what = "how many vowels does the word <{word}> have, not counting Y?", "vowel"
    elif form == "one":
        letter = rng.choice(word).upper()
        number = word.upper().count(letter)
        ask, what = f"how many times does the letter {letter} [come up|occur|appear] in <{{word}}>?", "time"
    else:
        low, step = rng.randint(3, 30), rng.choice((2, 3, 5, 10))
        high = low + rng.randint(8, 40)
        number = len([n for n in range(low, high + 1) if n % step == 0])
        ask = (
            f"how many multiples of {cardinal(step)} are there from {cardinal(low)} to {cardinal(high)}, both included?"
        )
        return check(
            "counting",
            cardinal(number),
            ask,
            "[There are|I count] <{answer}>.",
            cardinal(number + 1),
            "there are <{answer}>.",
        )
    letters = f" Letter by letter, {spelled(word)}." if rng.random() < 0.4 else ""
    tell = {
        "letter": "[{word} has <{answer}> letters|There are <{answer}> letters in {word}].",
        "vowel": "[It has|I count] <{answer}> {vowels}.",
        "time": "[Just|I count|Exactly] <{answer}> {times}.",
    }[what]
    slots |= {"vowels": "vowel" if number == 1 else "vowels", "times": "time" if number == 1 else "times"}
    return check(
        "counting",
        cardinal(number),
        ask,
        tell + letters,
        cardinal(number + 1 if number < 4 else number - 1),
        "it's <{answer}>.",
        **slots,
    )


def spelling(stage: Stage) -> Check:
    """The letters of a word."""
    word = stage.deal("words", [row[0] for row in table("words")])
    return check(
        "spelling",
        spelled(word),
        "[how do you spell|can you spell|could you spell|what's the right spelling of] <{word}>?",
        "[It's|{word} is spelled|You spell it|That's] {answer}.",
        "",
        "it's {answer}.",
        word=word,
    )
