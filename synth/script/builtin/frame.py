"""How dialogues begin and end, how topics are joined, and how things settled earlier come up again."""

from __future__ import annotations

from .grammar import LOWER_NEXT
from .talk import Talk

_PERSONAL = ("small_talk", "story", "opinion")


def open_dialogue(talk: Talk, family: str) -> None:
    """Greetings, in either order; ends with the agent."""
    part = "morning" if talk.now < 720 else "afternoon" if talk.now < 1050 else "evening"
    hello = f"[Hello|Hi|Hi there|Good {part}|Hey|Hello there]"
    ask = (
        "[How are you|How are things|What's on your mind|How are you today|How's your {weekday} going|What's new]"
        if family in _PERSONAL
        else "[How can I help|What can I do for you|What do you need|How may I help you|What can I help you "
        "with|How can I help today|What can I do for you today|What do you need today]"
    )
    chance = talk.rng.random()
    if chance < 0.35:
        talk.agent(
            f"{hello}[, {{agent_name}} here|, this is {{agent_name}}|, I'm {{agent_name}}|]. {ask}?",
            "greet",
            quiet=True,
        )
        return
    if chance < 0.65:
        talk.user(
            f"{hello}[, {{agent_name}}|]. [It's {{name}}.|This is {{name}}.|{{name}} here.|Are you there?|]",
            "greet",
            quiet=True,
        )
        name = "[, {name}|]" if talk.user_name in talk.lines[-1].text else ""
        talk.agent(f"{hello}{name}. {ask}?", "greet", quiet=True)
        return
    if chance < 0.85:
        talk.user(
            f"{hello}[, {{agent_name}}|]. [Have you got a minute?|Do you have a moment?|How are you?|Can you hear "
            "me?|Got time for me?|Can I ask you something?]",
            "greet",
            quiet=True,
        )
        talk.agent(
            "[Very well, thank you|Fine, thanks|Good, thanks for asking]. "
            + ask.replace("How are you|How are things|", "")
            + "?"
            if "are you?" in talk.lines[-1].text
            else "[Yes, sure|Always|Yes, of course|Sure]. " + ask + "?",
            "greet",
            quiet=True,
        )
        return
    talk.agent(
        f"Good {part}[, {{name}}|]. [Good to hear from you again|I hope your {{weekday}} is going well|I was hoping "
        f"you'd call|It's {{agent_name}}]. {ask}?",
        "greet",
        quiet=True,
    )


def lead(talk: Talk, family: str) -> str:
    """How the user comes to the next topic: nothing at first, a bridge later."""
    if not any(line.topic for line in talk.lines):
        first = talk.grammar.expand("[|||So, |Well, |Okay, |Listen, ]", {})
        return first and first + LOWER_NEXT
    bridges = (
        "[{by_the_way}, |{by_the_way}, |Now, something else. |While I've got you, |Okay, next thing. |Something "
        "completely different now, |And while we're at it, ]"
    )
    if family == "checkable":
        bridges = (
            "[{by_the_way}, |Quick question, |A quick one, |While I've got you, |Let me ask you something, |You're "
            "good at this, so ]"
        )
    return talk.grammar.expand(bridges, {}) + LOWER_NEXT


def recall(talk: Talk) -> bool:
    """The user asks back something settled earlier, not in the last scene; False where there is nothing."""
    older = [memo for memo in talk.memos if f"recalled {memo.ref}" not in talk.slots]
    if not older:
        return False
    memo = older[0]
    talk.slots[f"recalled {memo.ref}"] = ""
    talk.user(
        "[{by_the_way}, |Sorry, |Just to be sure, |Going back a bit, |So that I don't forget, ]" + memo.ask, "ask"
    )
    talk.agent(memo.tell, "answer")
    if talk.room() > 45 and talk.rng.random() < 0.5:
        talk.user(
            "[Right, that was it|Good, I had that wrong|I knew it|{ok}, I've written it down now].", "acknowledge"
        )
        talk.agent(
            "[Good|Great|No problem]. [What else?|Anything else on your mind?|I'm here if you forget it again.]",
            "acknowledge",
        )
    return True


def close_dialogue(talk: Talk) -> None:
    """Thanks and farewells in two to four lines."""
    talk.topic = ""
    late = talk.now > 1080
    wish = (
        "[Good night|Sleep well|Have a good evening|Enjoy your evening]"
        if late
        else "[Have a nice day|Have a good one|Enjoy the rest of your day|Take care|Have a lovely {weekday}]"
    )
    names = "[, {agent_name}||]"
    talk.user(
        "[{thanks}, that's all for now|That's everything, {thanks}|[I have to go now|I should get going|Okay, "
        "I'd better stop here|I've got to run], [dinner's ready|my bus is here|there's somebody at the door|I've "
        "got a meeting|{kin} is calling me|it's getting late|my battery is nearly empty|I have to pick up "
        f"{{friend}}]|All right, that's it from me|That's all I wanted to know|I think that's it]{names}. [Bye.|See "
        "you.|Talk soon.|]",
        "close",
        quiet=True,
    )
    if talk.room() < 14:
        talk.agent(f"{wish}. [Bye.|Goodbye.|]", "close", quiet=True)
        return
    thanked = "{welcome}|" if "hank" in talk.lines[-1].text or "heers" in talk.lines[-1].text else ""
    talk.agent(f"[{thanked}It was nice talking to you|Good to talk to you][, {{name}}||]. {wish}.", "close", quiet=True)
    if talk.room() > 4:
        talk.user(
            "[You too|Thanks, you too|Likewise|Same to you|Thank you]. [Bye.|Goodbye.|See you.|Bye bye.]",
            "close",
            quiet=True,
        )
        talk.agent(
            "[Bye.|Goodbye.|Bye, {name}.|See you soon.|Until next time.|Talk to you soon.|Bye for now.]",
            "close",
            quiet=True,
        )
