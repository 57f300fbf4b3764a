"""Shop calls: something is to be bought; a contract is too expensive."""

from __future__ import annotations

from ..behaviours import Barge
from ..spoken import DAYS, cardinal, money
from ..stage import Memo
from ..tables import phrases
from ..talk import Talk
from .support import case


def buy(talk: Talk) -> None:
    """Advice before buying: two models, prices, colour, how many, what it comes to."""
    product, shop, price = case(talk)
    name = product["name"]
    dearer = price + talk.rng.randrange(5, 40) * 100
    talk.user(
        "{lead}[I'm looking for a {name}|I need a new {name}|can you recommend a {name}?|what's a good {name}?]",
        "ask",
        name=name,
    )
    question, answer = product["pick"]
    talk.agent("{sure}. " + question, "ask")
    talk.user(answer + " [And it shouldn't cost the earth.|Something that lasts.|]", "answer")
    talk.agent(
        "At {shop} [they have|there are] two [I'd look at|that would suit you]. [One is|The simple one is] "
        "<{price}>, the [better|bigger] one is <{dearer}>.",
        "offer",
        shop=shop,
        price=money(price),
        dearer=money(dearer),
        barge=Barge(
            "[Wait, what was the cheaper one?|Sorry, how much is the simple one?]",
            "[{price}.|The simple one is {price}.]",
        ),
    )
    talk.user("[What's the difference?|And what do I get for the extra money?|Is the dearer one worth it?]", "ask")
    talk.agent(
        "[The better one|It] [has a five-year guarantee|is easier to repair|is quieter and a bit lighter|lasts "
        "about twice as long], [and you can still get all the parts for it in ten years, |and it comes with a spare "
        "set of everything that usually wears out, |][but honestly, the other one does the job|so it depends on how "
        "often you use it|and people send fewer of them back].",
        "answer",
        loose=True,
    )
    if talk.rng.random() < 0.6:
        chosen, words = price, "[simple|cheaper]"
    else:
        chosen, words = dearer, "[better|dearer]"
    pieces = talk.rng.choice((1, 1, 2, 3))
    colour = talk.deal(f"colours {name}", product["colours"])
    many = "" if pieces == 1 else f" {cardinal(pieces)} of them, actually."
    talk.user(
        f"[I'll take the {words} one|Then the {words} one, please|Let's go for the {words} one], in {{colour}}.{many}",
        "answer",
        colour=colour,
    )
    if pieces > 1:
        talk.agent(
            "[So {pieces}|{pieces}] at {price} each, that's <{total}> [altogether|in total]. [Delivery is free.|]",
            "inform",
            pieces=cardinal(pieces),
            price=money(chosen),
            total=money(chosen * pieces),
        )
    else:
        talk.agent(
            "[One {name} in {colour}|A {colour} one], [that's|that comes to] <{total}>. [Delivery is free.|]",
            "inform",
            name=name,
            colour=colour,
            total=money(chosen),
        )
    _delivery(talk)
    talk.memos.append(
        Memo(
            "order",
            f"the {name}",
            f"how much was the {words} {name} again?",
            f"[It was|That's] <{money(chosen)}>.",
            cents=chosen,
            people=pieces if pieces > 1 else None,
        )
    )


def _delivery(talk: Talk) -> None:
    """When it comes, whether it can go back, and the order."""
    talk.user(
        "[And when will it be here?|How long does it take?|When can I have it?|Can I send it back if I don't like it?]",
        "ask",
    )
    talk.agent(
        "[It takes two or three days|You'd have it on {day}|It comes on {day}], [and you've got thirty days to send "
        "it back|and if it's not right, they pick it up again|and returns are free]. Shall I order it?",
        "ask",
        day=DAYS[(talk.today.weekday() + 3) % 7],
    )
    talk.user("[Yes, please|Go ahead|Let me sleep on it, but thank you|Yes, do that].", "answer")
    talk.agent("{ok}. [I've saved it|It's all noted] for you.", "close")


def contract(talk: Talk) -> None:
    """A subscription: what it costs, to cancel or to change it, until when it runs."""
    plan = talk.deal("plans", phrases("support")["plans"])
    monthly = talk.rng.randrange(8, 50) * 100 + talk.rng.choice((0, 50, 99))
    months = talk.rng.choice((3, 6, 9, 12))
    talk.user(
        "{lead}[I'd like to cancel my {plan}|I think I'm paying too much for my {plan}|they charged me twice for my "
        "{plan}].",
        "complain",
        plan=plan,
    )
    talk.agent(
        "[Let me take a look|I see|Let's sort that out]. [You pay <{monthly}> a month, is that right?|At the moment "
        "it's <{monthly}> a month, yes?]",
        "ask",
        monthly=money(monthly),
    )
    talk.user("[Yes, for over a year now|I think so|That's what my bank says|Yes, and I hardly use it].", "answer")
    less = monthly * 3 // 4 // 50 * 50
    talk.agent(
        "[I could offer you|There's|What about] a smaller one for <{less}>, [so you'd save|that saves you] "
        "<{saved}> a month. [Would that be something?|Interested?|How does that sound?]",
        "offer",
        less=money(less),
        saved=money(monthly - less),
        barge=Barge(
            "[What would be missing?|And what's the catch?]",
            "[Not much, it's just a little slower to start.|No catch, it's only fewer extras.]",
        ),
    )
    if talk.rng.random() < 0.5:
        talk.user(
            "[That's better. How much is that in {months} months?|Okay. What's that for {months} months?|All right. "
            "So in {months} months I pay how much?]",
            "ask",
            months=cardinal(months),
        )
        talk.agent(
            "[That's|It comes to|{months} months would be] <{total}>.",
            "answer",
            months=cardinal(months),
            total=money(less * months),
        )
        talk.user("[Good, I'll take it|Let's do that|Deal].", "confirm")
        talk.agent(
            "[Done|I've changed it|It's all set], [it starts with the next bill|from the first of next month].", "close"
        )
    else:
        talk.user(
            "[No, I really want to stop it|No, thank you, just cancel it|I'd rather cancel]. [Until when does it "
            "run?|Is it over right away?]",
            "ask",
        )
        talk.agent(
            "[It runs for <{months} more months>|You can use it for <{months} more months>], [then it simply "
            "ends|and after that you pay nothing].",
            "answer",
            months=cardinal(months),
        )
        talk.user("[Fine. Can I get that in writing?|Okay, and will they confirm it?|{ok}, {thanks}.]", "ask")
        talk.agent(
            "[You'll get a letter|There'll be a message in your inbox] [by tomorrow|today]. [Sorry to see you go.|]",
            "close",
        )
    talk.memos.append(
        Memo(
            "order",
            f"my {plan}",
            f"how much was my {plan} a month?",
            f"[Up to now it was|You were paying] <{money(monthly)}>.",
            cents=monthly,
        )
    )


SCENES = (buy, contract)
