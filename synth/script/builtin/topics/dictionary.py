"""Words and what they mean: asked, guessed, looked for in a crossword. Meanings are WordNet's "
"(`facts/meanings.csv`)."""

from __future__ import annotations

from ..spoken import cardinal
from ..tables import table
from ..talk import Talk

_LAST = 38  # words of a round
_GUESSES = 20


def _word(talk: Talk) -> tuple[str, str, str]:
    """A word, its part of speech and its meaning, as it follows "it means"."""
    word, part, meaning = talk.deal_wide("meanings", table("meanings"))
    return word, part, f"to {meaning}" if part == "verb" else meaning


def _guess(talk: Talk, word: str) -> tuple[str, str, str]:
    """Another word, as long as the one that is looked for if one turns up soon."""
    guess = _word(talk)
    for _ in range(_GUESSES):
        if len(guess[0]) == len(word):
            break
        guess = _word(talk)
    return guess


def meanings(talk: Talk) -> None:
    """The user asks what words mean, one after another."""
    ask = "{lead}"
    other = ""
    while True:
        word, part, meaning = _word(talk)
        talk.user(
            f"{ask}[what does <{{word}}> mean?|what do people mean by <{{word}}>?|[I read|I heard|{{kin}} "
            f"used|{{friend}} "
            "used|a letter here has|my book says|the radio said] the word <{word}>, what [is that|does that "
            "mean]?|do "
            "you know the word <{word}>?|how would you explain <{word}> to a child?|is <{word}> a real word?]",
            "ask",
            word=word,
        )
        talk.agent(
            "[As a {part}, {word} means|{word} means|It's a {part} and means|The word {word} means|When people say "
            "{word} they mean|In short, {word} means] <{meaning}>.",
            "answer",
            word=word,
            part=part,
            meaning=meaning,
        )
        if talk.room() < _LAST:
            break
        ask = (
            f"[And I thought {word} had to do with {other or 'the sea'}. |So that's {word}, thanks. |{{kin}} "
            f"won't believe "
            f"what {word} means. |I'll use {word} in a sentence today. |Good, {word} goes in my notebook. |I'd "
            f"never have "
            f"guessed {word}. |I always mix {word} up with {other or 'something else'}. "
            f"][Then|And|Next,|Also,|Now,|So] "
        )
        other = word
    talk.user(
        f"[{{kin}} will love {word}|I'll write {word} down|I must remember {word}|{word}, what a word|I'll tell "
        f"{{friend}} "
        f"about {word}].",
        "acknowledge",
    )
    talk.agent(
        "[Ask me about {word} again any time|{word} is a good one to know|Not many people know {word}|Try "
        "{word} on "
        "{friend}, then].",
        "acknowledge",
        word=word,
    )


def riddles(talk: Talk) -> None:
    """The agent thinks of a word, the user guesses."""
    talk.user(
        "{lead}[let's play a word game.|give me a riddle.|I want to guess words again.|quiz me with words.]", "ask"
    )
    react = "[All right,|Good idea,|With pleasure,|Here we go,]"
    while True:
        word, part, meaning = _word(talk)
        wrong, _, other = _guess(talk, word)
        count = cardinal(len(word))
        talk.agent(
            f"{react} [I'm thinking of a {{part}} with {count} letters|my {{part}} has {count} letters|it's a "
            f"{{part}} of "
            f"{count} letters], [it starts with {word[0].upper()}|the first letter is {word[0].upper()}], and "
            f"means "
            "<{meaning}>.",
            "ask",
            part=part,
            meaning=meaning,
        )
        if talk.room() > 30 and talk.rng.random() < 0.85:
            talk.user("[Is it|Could it be|Maybe|I'd say] {wrong}?", "answer", wrong=wrong)
            talk.agent("[No, {wrong} means|Not quite, {wrong} means|Close, but {wrong} means] {other}.", "correct",
                       wrong=wrong, other=other)  # fmt: skip
        talk.user(
            "[Then it's|It must be|I know, it's|Is it|Got it,] <{word}>!".replace("!", "?"),
            "answer",
            word=word,
        )
        react = f"[Yes, {word} it is.|{word}, exactly.|Right, it was {word}.|{word} is right, well done.] Next one,"
        if talk.room() < _LAST:
            break
    talk.agent(
        f"[Yes, {word} it is|{word}, exactly|Right, it was {word}], [you're good at this|that was quick].",
        "confirm",
    )


def crossword(talk: Talk) -> None:
    """The user is stuck with a crossword."""
    ask = (
        "{lead}[I'm stuck with my crossword,|there's a crossword in the paper,|{kin} and I can't finish this "
        "crossword,]"
    )
    while True:
        word, part, meaning = _word(talk)
        count = cardinal(len(word))
        talk.user(
            f"{ask} [{count} letters, <{{meaning}}>|I need a {{part}} of {count} letters for <{{meaning}}>|the "
            f"clue says "
            f"<{{meaning}}>, {count} letters].",
            "ask",
            part=part,
            meaning=meaning,
        )
        talk.agent(
            "[How about|Could it be|Try|Maybe it's|That sounds like|Have you tried] <{word}>?", "answer", word=word
        )
        if talk.room() < _LAST:
            break
        row = cardinal(talk.rng.randint(2, 41))
        ask = (
            f"[{word} fits, and|{word}, of course, and|Yes, {word} goes in there,|{word} works with the F,|Oh, "
            f"{word},] "
            f"[now {row} down,|then {row} across,|and {row} down is hard,|what about {row} across,]"
        )
    talk.user(
        f"[{word} fits, that was the last one|{word}, and I'm done|Yes, {word}, finally|With {word} I can do "
        f"the rest].",
        "acknowledge",
    )
    talk.agent(
        "[Good, I like crosswords|That was a hard one|Well done, both of us|{word} saved the day].",
        "acknowledge",
               word=word)  # fmt: skip


SCENES = (meanings, riddles, crossword)
