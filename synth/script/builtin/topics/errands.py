"""Errands one hands to an assistant: lists, reminders, messages, contacts, old things; words in `errands.json`."""

from __future__ import annotations

from ..spoken import DAYS, cardinal, clock
from ..tables import is_proper, phrases, table
from ..talk import Talk

_LAST = 34  # words of a round
_AMOUNTS = "[two packs of|some|a bag of|enough|more|two lots of|half a kilo of|plenty of]"


def _one(talk: Talk, kind: str) -> str:
    words: list[str] = phrases("errands")[kind].split(",")
    return talk.deal_wide(f"errands {kind}", words)


def _person(talk: Talk) -> str:
    """A friend, or somebody by full name."""
    name, _ = talk.deal_wide("people", table("people"))
    if talk.rng.random() < 0.4:
        return name
    return f"{name} {talk.deal_wide('family names', table('family_names'))[0]}"


def _slots(talk: Talk) -> dict[str, str]:
    return {
        "thing": _one(talk, "things"),
        "food": _one(talk, "foods"),
        "food2": _one(talk, "foods"),
        "person": _person(talk),
        "other": talk.deal_wide("people", table("people"))[0],
        "place": _one(talk, "places"),
    }


def _a(thing: str) -> str:
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def shopping(talk: Talk) -> None:
    """A shopping list is dictated and read back."""
    items: list[str] = []
    start = "{lead}[put|please put|can you put|I need to put]"
    while True:
        new = [_one(talk, "foods") for _ in range(talk.rng.randint(1, 3))] + [_one(talk, "household")][
            : talk.rng.randint(0, 1)
        ]
        items += new
        listed = " and ".join([", ".join(new[:-1]), new[-1]] if len(new) > 1 else new)
        talk.user(f"{start} <{_AMOUNTS} {listed}> on my [shopping list|list].", "ask")
        talk.agent(
            f"[{listed}, got it|I've added {listed}|{listed}, on the list|That's {listed} added]. [Anything "
            f"besides "
            f"{new[0]}?|What goes with {new[-1]}?|Any hurry with {new[0]}?|Which shop has the best {new[-1]}?|And "
            f"after {new[0]}?]",
            "confirm",
        )
        if talk.room() < _LAST:
            break
        start = (
            f"[Yes, and|{{friend}} eats all my {new[0]}, so|No hurry with {new[-1]}, but|Besides {new[0]},|Oh, "
            f"and we're out, "
            "so] [put|please add|add]"
        )
    talk.user(
        f"[No, {items[-1]} was the last thing|That's all, {items[0]} matters most|Just don't let me forget "
        f"{items[-1]}|No, "
        f"but read {items[0]} first in the shop].",
        "acknowledge",
    )
    talk.agent(
        f"[Then it's {cardinal(len(items))} things, from {items[0]} to {items[-1]}|All {cardinal(len(items))} "
        f"are there, "
        f"{items[0]} on top|I'll remind you of {items[-1]} at the till].",
        "confirm",
    )


def reminders(talk: Talk) -> None:
    """Reminders for days and times."""
    start = "{lead}[remind me|please remind me|can you remind me|set a reminder for me]"
    while True:
        slots = _slots(talk)
        task = talk.compose(talk.deal("errands tasks", phrases("errands")["tasks"].split(",")), slots).text.rstrip(".")
        task = task[0].lower() + task[1:]
        day = talk.rng.choice(DAYS)
        at = clock(talk.rng.randint(7 * 4, 21 * 4) * 15)
        talk.user(f"{start} to {task} on <{day}> [at|around] <{at}>.", "ask")
        talk.agent(
            f"[I'll remind you on {day} at {at} to {task}|{day}, {at}, {task}, done|So on {day} you want to "
            f"{task}, I've set "
            f"it for {at}].",
            "confirm",
        )
        if talk.room() < _LAST:
            break
        start = (
            f"[Make {day} a loud one, and remind me|And after {slots['other']} has left on {day}, remind "
            f"me|Good, {at} is "
            f"fine. Then tell me|{{kin}} needs me before that, so tell me]"
        )
    talk.user(
        f"[And if I forget {day}, call {slots['other']}|I hope I'm up at {at}|{day} is going to be full|Don't "
        f"let me sleep "
        f"through {day}].",
        "acknowledge",
    )
    talk.agent(f"[I'll keep an eye on {day}|I won't forget {at}|You can rely on me, {day} it is].", "acknowledge")


def messages(talk: Talk) -> None:
    """Messages are dictated and read back."""
    start = "{lead}[send a message to|write to|text|I need to write to]"
    while True:
        slots = _slots(talk)
        news = talk.compose(talk.deal("errands news", phrases("errands")["news"].split(",")), slots).text.rstrip(".")
        person = slots["person"]
        talk.user(f"{start} <{person}>, [please|will you|if you can].", "ask")
        talk.agent(
            f"[What shall I tell {person}?|And what should {person} know?|What does {person} need to hear?]", "ask"
        )
        talk.user(f"[Say that|Just that|Write that|Only that] <{_small(news)}>.", "answer")
        talk.agent(
            f"[Dear {person}, {_small(news)}. Shall I send that to {person}?|So {person} hears that {_small(news)}, "
            f"right?|I'd "
            f"write, {_small(news)}, and sign it for you.]",
            "confirm",
        )
        if talk.room() < _LAST + 12:
            break
        start = (
            f"[Yes, send it to {person} now. And write to|Yes. {{kin}} should know as well, so write to|Good, "
            f"and then text]"
        )
    talk.user(
        f"[Yes, {person} is waiting for it|Send it, {person} worries easily|Perfect, off to {person} with it].",
        "confirm",
    )
    talk.agent(
        f"[Sent, {person} has it|It's on its way to {person}|Done, I'll tell you when {person} answers].", "confirm"
    )


def _small(text: str) -> str:
    """A clause inside a sentence."""
    first = text.split()[0]
    keep = first in ("I", "I'm", "I've", "I'd") or is_proper(first)
    return text if keep else text[0].lower() + text[1:]


def contacts(talk: Talk) -> None:
    """New contacts with street and number."""
    start = "{lead}[save a new contact|I want to save somebody's address|somebody has moved, change the address]"
    while True:
        name, pronoun = talk.deal_wide("people", table("people"))
        family = talk.deal_wide("family names", table("family_names"))[0]
        kind = talk.rng.choice(["Road", "Lane", "Street", "Close"])
        street = f"{talk.deal_wide('family names', table('family_names'))[0]} {kind}"
        near = _one(talk, "places")
        number = cardinal(talk.rng.randint(1, 180))
        his = "his" if pronoun == "he" else "her"
        talk.user(f"{start}, the name is <{name} {family}>.", "ask")
        talk.agent(
            f"[And where does {name} {family} live?|Which street is {name} in?|What's {his} address, {name}'s?]", "ask"
        )
        talk.user(f"[It's|{name} lives at|Number] <{number} {street}>[, near {near}|, next to {near}|].", "answer")
        talk.agent(
            f"[{name} {family}, {number} {street}, saved|I've put {name} {family} at {number} {street}].", "confirm"
        )
        if talk.room() < _LAST + 8:
            break
        start = f"[Right, {name} is done, and another one|Next to {name} there's one more|After {family} comes another]"
    talk.user(
        f"[{street} is hard to find, so good|I'll visit {name} there soon|{name} will be glad].",
        "acknowledge",
    )
    talk.agent(
        f"[Ask me for {family} and I'll find {street}|I'll have {name} ready when you need {his} number].",
        "acknowledge",
    )


def attic(talk: Talk) -> None:
    """Old things turn up; the user asks what to do with them."""
    start = "{lead}[guess what I found|you won't believe what turned up|look what I've got],"
    while True:
        thing, where, state = (_one(talk, kind) for kind in ("things", "found", "state"))
        price = cardinal(talk.rng.randint(2, 90))
        person = _person(talk)
        talk.user(f"{start} <{_a(thing)}> {where}, {state}.", "tell")
        talk.agent(
            f"[What will you do with the {thing}?|Do you still need a {thing}?|Whose {thing} was it?|Is the "
            f"{thing} worth "
            "keeping?]".replace(f"a {thing}?", f"{_a(thing)}?"),
            "ask",
        )
        talk.user(
            f"[I'd sell the {thing} for <{price} dollars>|{person} might want the {thing}|The {thing} belonged "
            f"to {person}|I'll "
            f"swap the {thing} for some {_one(talk, 'foods')}|It would look good in {_one(talk, 'places')}].",
            "answer",
        )
        if talk.room() < _LAST:
            break
        start = (
            f"[And next to the {thing} there was|Behind the {thing} I saw|That's not all, I also found|And "
            f"{{kin}} found]"
        )
        talk.agent(
            f"[{price} dollars for {_a(thing)} is fair|I'd keep the {thing} for {person}|Ask {person} about the "
            f"{thing} first].",
            "advise",
        )
    talk.agent(
        f"[Keep the {thing}, I say|Then the {thing} finds a new home|{person} knows about such things, ask there].",
        "advise",
    )


SCENES = (shopping, reminders, messages, contacts, attic)
