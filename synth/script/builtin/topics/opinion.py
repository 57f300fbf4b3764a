"""Opinions: two sides of a question and something in between; advice on a decision."""

from __future__ import annotations

from typing import Any

from ..behaviours import Barge
from ..stage import Memo
from ..tables import phrases
from ..talk import Talk


def debate(talk: Talk) -> None:
    """The user asks what the agent thinks; both give reasons, and meet somewhere or not."""
    one: dict[str, Any] = talk.deal("opinions", phrases("opinions"))
    first, second = ("one", "two") if talk.rng.random() < 0.5 else ("two", "one")
    mine = talk.deal_many(f"for {one[first]}", one[f"for_{first}"], 3)
    yours = talk.deal_many(f"for {one[second]}", one[f"for_{second}"], 3)
    slots = {"a": one[first], "b": one[second]}
    talk.user(
        "{lead}[what do you think is better, {a} or {b}?|we had an argument at home, {a} or {b}?|let me ask you "
        "something. {a}, or {b}?|what's your view on {a} and {b}?]",
        "ask",
        **slots,
    )
    talk.agent(
        "[That's a good one|Tricky|Oh, a classic]. [I'd lean towards <{b}>|If I had to choose, I'd say "
        "<{b}>|Personally, I'd go for <{b}>], because {why}[, and apart from that, {more}|, and also, {more}||. "
        "People tell me all sorts of things about it, but that's the reason I hear most often].",
        "answer",
        why=yours[0],
        more=yours[1],
        barge=Barge("[Really? I'd have said {a}.|No, come on, {b}?]", "[Hear me out.|Yes, really.|Let me finish.]"),
        **slots,
    )
    talk.user(
        "[Really?|Hmm.|I'm not so sure.|See, I disagree.] [But {a}, that means|I prefer {a},|For me it's {a},|Don't "
        "forget,] {why}.",
        "argue",
        why=mine[0],
        **slots,
    )
    talk.agent(
        "[That's true|I can't argue with that|You have a point]. [Still,|On the other hand,|But] {why}[|, and I "
        "wouldn't want to give that up|, and that's worth a lot when you think about it].",
        "argue",
        why=yours[2],
        loose=True,
    )
    talk.user(
        "[Okay, but|Maybe, but|Fair enough, but] {why}. [Doesn't that count?|And that matters to me.|]",
        "argue",
        why=mine[1],
    )
    _deeper(talk, mine[2])
    talk.agent(
        "[Shall we meet in the middle?|How about a compromise?|Maybe the answer is somewhere in between.] [I'd "
        "suggest {middle}.|What about {middle}?|I'd vote for {middle}.]",
        "propose",
        middle=one["middle"],
    )
    talk.user("[I could live with that|That's actually not bad|Ha, very diplomatic|Okay, that's fair].", "agree")
    talk.agent(
        "[Good talk|I enjoyed that|See, we agree after all]. [You nearly convinced me.|Ask me again next week.|Now "
        "you can go and tell {kin_you}.]",
        "close",
    )
    talk.memos.append(
        Memo(
            "view",
            f"{one[first]} or {one[second]}",
            f"which side were you on, {one[first]} or {one[second]}?",
            f"[I was for|I said|My choice was] <{one[second]}>.",
        )
    )


def _deeper(talk: Talk, why: str) -> None:
    """Where the opinion comes from and whether it holds."""
    if talk.room() > 60:
        talk.agent(
            "[It does count|I understand that]. [Have you always seen it that way?|Have you always thought so?|Did you "
            "always think that?]",
            "ask",
        )
        talk.user(
            "[No, I used to think the opposite|Since I was a child, I suppose|Only since last year, to be "
            "honest|{kin} says I'm just stubborn].",
            "answer",
        )
    if talk.room() > 50:
        talk.agent(
            "[That's interesting|I like that you say that]. [Would you say the same in ten years|And what about "
            "days when everything goes wrong|But doesn't it depend on the day]?",
            "ask",
        )
        talk.user(
            "[I think so|Probably not, but that's how I see it now|Maybe, who knows|Good question]. [And {why}, "
            "don't forget.|We'll never agree.|]",
            "react",
            why=why,
        )


def advice(talk: Talk) -> None:
    """A decision to make: reasons for and against, questions back, a careful opinion."""
    one = talk.deal("decisions", phrases("decisions"))
    what, pros, cons = one["what"], one["for"], one["against"]
    pro, con = talk.deal(f"pro {what}", pros), talk.deal(f"con {what}", cons)
    friend = {"friend": talk.friends[0]}
    what, pro, con = (text.replace("{friend}", friend["friend"]) for text in (what, pro, con))
    talk.user(
        "{lead}[I'm wondering if I should {what}|I can't decide whether to {what}|I'm thinking about whether to "
        "{what}]. [What do you think?|What would you do?|I need an honest opinion.]",
        "ask",
        what=what,
    )
    talk.agent(
        "[That's a big question|Let's think it through|Good question]. [What speaks for it?|Why would you like "
        "to?|What's the best thing about it?]",
        "ask",
    )
    talk.user(
        "[Well,|Mainly because|For one thing,] {pro}[||, and I've been thinking about it since the summer|, and "
        "that doesn't happen every day].",
        "answer",
        pro=pro,
    )
    talk.agent(
        "[That sounds like a good reason|I can see that|Understandable]. [And what's holding you back?|And against "
        "it?|So what's the catch?]",
        "ask",
    )
    talk.user(
        "[The thing is,|Just that|Well,] {con}[||, and that worries me a bit when I lie awake at night|, and I "
        "can't just ignore that].",
        "answer",
        con=con,
    )
    talk.agent(
        "[On the one hand|So], {you_pro}, but {you_con}. [Which of the two feels heavier?|Which one keeps you "
        "awake?|If you had to toss a coin, which side would you hope for?]",
        "ask",
        you_pro=_you(pro),
        you_con=_you(con),
    )
    leaning = talk.rng.random() < 0.5
    talk.user(
        "[If I'm honest, the first|The good side, I think|Hmm, I'd hope for yes]."
        if leaning
        else "[The second, I'm afraid|The doubts, really|Honestly, I'd hope for no].",
        "answer",
    )
    talk.agent(
        "[Then I'd try it|Then maybe do it, but in small steps|That's your answer, I think], [and give it three "
        "months|and decide again in summer|but talk to {kin_you} first]."
        if leaning
        else "[Then there's no rush|Then I'd leave it for now|Then wait a little], [and look at it again in "
        "spring|and ask yourself again in a month|and see how you feel in autumn].",
        "advise",
        loose=True,
    )
    if talk.room() > 40:
        talk.user(
            "[You're right|That's what {kin} says as well|That helps, actually]. [Would you be brave enough?|Would "
            "you dare to do it?]",
            "ask",
        )
        talk.agent(
            "[I'm a voice, so courage is cheap for me|It's easy to be brave when you don't have to pay rent|I only "
            "ever choose words, and even that's hard]. [But I'd be on your side.|You know yourself best.]",
            "answer",
        )
    talk.user("[Thanks for listening|That cleared my head|I'll sleep on it][, {agent_name}||].", "thank")
    talk.agent(
        "[Any time|Good|I'm glad we talked about it]. [Tell me what you decide.|Whatever you do, it'll be fine.|I'm "
        "curious how it turns out.]",
        "close",
    )


def _you(text: str) -> str:
    """First person into second: "I travel" -> "you travel"."""
    swap = {"I": "you", "I'd": "you'd", "I'm": "you're", "I've": "you've", "my": "your", "me": "you"}
    return " ".join(swap.get(word, word) for word in text.split())


SCENES = (debate, debate, advice)
