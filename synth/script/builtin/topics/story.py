"""Stories: the agent makes one up for a listener who joins in, or the user tells what happened once."""

from __future__ import annotations

from typing import Any

from ..behaviours import Barge
from ..stage import Memo, names_of
from ..tables import phrases, table
from ..talk import Talk

_REACT = (
    "[And then?|Oh no.|What happened next?|Poor thing.|I like it already.|Go on.|Ha, of course.|I didn't expect "
    "that.|I know that feeling.|Hmm, I have a bad feeling about this.|Typical.|Wait, really?]"
)
_GUESS = (
    "[Let me guess, it was {helper}?|I bet it works.|That can't end well.|There's more to it, isn't there?|Does it "
    "have a happy ending?]"
)


def _cast(talk: Talk) -> dict[str, str]:
    data = phrases("stories")
    noun, he, him, his = talk.deal("heroes", data["heroes"])
    picked = {
        key: talk.deal(key, data[key])
        for key in ("places", "wants", "obstacles", "helpers", "gifts", "prices", "morals")
    }
    slots = {
        "hero": noun,
        "he": he,
        "him": him,
        "his": his,
        "He": he.capitalize(),
        "Who": talk.deal(f"story names {he}", names_of(he)),
    }
    gift = picked["gifts"].split(" ", 1)[1]
    slots["the_gift"] = f"the {gift}"
    return {**slots, **{key.removesuffix("s"): text for key, text in picked.items()}}


def tale(talk: Talk) -> None:
    """A made-up story in six to ten turns, with a listener who reacts, guesses and asks."""
    slots = _cast(talk)
    data = phrases("stories")
    fill = talk.grammar.expand
    talk.user(
        "{lead}[can you tell me a story?|tell me a story, please.|I can't sleep. Do you know a story?|how about a "
        "story?|make up a story for me.]",
        "ask",
    )
    talk.agent(
        "[Gladly|Of course|I'd love to]. [Should it be funny or quiet?|What should it be about?|Long or short?|Any "
        "wishes?]",
        "ask",
    )
    talk.user(
        "[Surprise me|Something with {hero}|Not too scary, please|Something with a good ending|Whatever comes to "
        "mind].",
        "answer",
        hero=slots["hero"],
    )
    name = "whose name was <{Who}>"
    talk.agent(
        "[Once upon a time|Many years ago|All right. A long time ago|Okay. Once], in {place}, there lived "
        f"{{hero}}, {name}. [More than anything, {{Who}} wanted|And all {{he}} ever wanted was|{{Who}} had one great "
        "wish,] {want}.",
        "tell",
        barge=Barge("[Wait, what was the name?|Sorry, who was that?]", "[{Who}, {hero}.|The name is {Who}.]"),
        **slots,
    )
    talk.user(
        "[Why?|I like {Who} already.|{wow}. And then?|That's a strange wish.|Good name, {Who}.]", "react", **slots
    )
    talk.agent(
        "[But there was a problem|It wasn't easy, though|There was just one difficulty]. [On the very first "
        "morning,|That year,|Right at the beginning,] {obstacle}. "
        + (fill(talk.deal("tries", data["tries"]), slots) if talk.rng.random() < 0.6 else ""),
        "tell",
        **slots,
    )
    _react(talk, slots)
    if talk.room() > 110:
        talk.agent(fill(talk.deal("tries", data["tries"]), slots), "tell")
        _react(talk, slots)
    _help(talk, slots)
    _ending(talk, slots)
    talk.memos.append(
        Memo(
            "story",
            f"the story about {slots['Who']}",
            f"what did {slots['Who']} want, in that story?",
            f"[{slots['Who']} wanted|It was] {slots['want']}.",
        )
    )


def _help(talk: Talk, slots: dict[str, str]) -> None:
    """Somebody helps; what was given turns out to be useful."""
    data = phrases("stories")
    fill = talk.grammar.expand
    talk.agent(
        "[Then one evening|On the third day|Just when {he} wanted to give up], {Who} met {helper}, who "
        "[said|whispered], [I can help you, but it'll cost you {price}|you're going about it the wrong way|take "
        "this, and don't ask me why].",
        "tell",
        **slots,
    )
    talk.user(
        "[{helper}? I love that.|And did {he} say yes?|I wouldn't trust that.|And what was it?|Ooh, here comes the "
        "magic.]",
        "react",
        **slots,
    )
    talk.agent(
        "[So {he} said yes, and got|{Who} thought about it, and took|{He} laughed, but {he} put in {his} bag] "
        "{gift}. [It didn't look like much.|Nobody knew what it was for.|It was still warm.]",
        "tell",
        loose=True,
        **slots,
    )
    _react(talk, slots)
    if talk.room() > 100:
        talk.agent(fill(talk.deal("tries", data["tries"]), slots), "tell")
        talk.user(_GUESS, "react", **slots)
        talk.agent(
            "[Wait and see|Patience|Almost|You'll see]. " + fill(talk.deal("uses", data["uses"]), slots),
            "tell",
            **slots,
        )
    else:
        talk.agent(fill(talk.deal("uses", data["uses"]), slots), "tell", **slots)
    talk.user("[And?|Tell me!|Come on, what happened?|I'm all ears.]", "react")


def _ending(talk: Talk, slots: dict[str, str]) -> None:
    """The twist, the end and what the listener makes of it."""
    data = phrases("stories")
    fill = talk.grammar.expand
    talk.agent(
        "[And then it came out that|In that moment {Who} understood that|And you won't believe it,] {twist}. "
        "[Nobody had seen that coming.|]",
        "tell",
        twist=fill(talk.deal("twists", data["twists"]), slots),
        **slots,
    )
    talk.user("[No!|I knew it!|Oh, that's clever.|Aw.|Ha, wonderful.] [How does it end?|And the ending?|]", "react")
    talk.agent(
        "[||It's simple.|You'll like this.] "
        + fill(talk.deal("ends", data["ends"]), slots)
        + " [The end.|And that's the story.|]",
        "tell",
        **slots,
    )
    if talk.rng.random() < 0.6:
        talk.user(
            "[That was lovely|I liked that|Beautiful]. [So the moral is that {moral}?|And the moral is that "
            "{moral}, right?]",
            "ask",
            **slots,
        )
        ending = "[You could say that|If you like|That's one way to see it]. "
    else:
        talk.user("[That was lovely|I liked that|Beautiful|What a nice one]. Thank you.", "thank")
        ending = "[I'm glad you liked it|Thanks for listening so well|You're a good listener]. "
    talk.agent(
        ending + "[I mostly liked {helper}.|Sleep well, if you're going to bed.|Next time you tell one.]",
        "close",
        **slots,
    )


def _react(talk: Talk, slots: dict[str, str]) -> None:
    """A short word of the listener."""
    talk.user(_REACT, "react", **slots)


def anecdote(talk: Talk) -> None:
    """The user tells what happened once; the agent listens, asks and sums up."""
    one: dict[str, Any] = talk.deal("anecdotes", phrases("stories")["anecdotes"])
    slots = {
        "town": talk.deal("places", [row[0] for row in table("towns")]),
        "street": talk.deal("streets", [row[0] for row in table("streets")]),
        "friend": talk.deal("friends", talk.friends),
    }
    fill = talk.grammar.expand
    talk.user(
        "{lead}[did I ever tell you about {about}?|I have to tell you about {about}.|I was just thinking about "
        "{about}.]",
        "tell",
        about=fill(one["about"], slots),
    )
    talk.agent("[No, tell me!|I don't think so. What happened?|Oh, I want to hear that.|Go on, I'm listening.]", "ask")
    talk.user(one["start"], "tell", **slots)
    beats: list[str] = one["beats"]
    if talk.room() < 130 or talk.rng.random() < 0.5:
        beats = [beats[0], f"{beats[1]} {beats[2]}", f"{beats[3]} {beats[4]}"]
    listen = (
        "[Oh no.|And then?|What did you do?|You're joking.|Go on.|That's awful, but also funny.|I can picture "
        "that.|What happened then?|No way!|That can't be true.|I'd have loved to see that.]"
    )
    for beat in beats:
        talk.agent(listen, "react")
        talk.user(beat, "tell", **slots)
    talk.agent("[And how did it end?|How did it turn out?|So what came of it?]", "ask")
    talk.user(one["end"], "tell", **slots)
    talk.agent(
        "[What a story|I love that ending|That's wonderful]. [You must have felt|I suppose you felt] {feel}.",
        "react",
        feel=one["feel"],
    )
    talk.user(
        "[Exactly|That's exactly it|You could say that]. [I still laugh about it.|I think of it every year.|My "
        "whole family knows it by now.]",
        "confirm",
    )
    talk.agent(
        "[I can see why|Thanks for telling me|It's a keeper]. [You should write it down.|You tell it well, "
        "too.|Stories like that get better every time.]",
        "close",
    )


SCENES = (tale, anecdote)
