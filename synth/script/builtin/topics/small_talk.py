"""Small talk: hobbies, the weather, the day, the weekend, pets, food, music."""

from __future__ import annotations

from typing import Any

from ..stage import Memo
from ..tables import phrases, table
from ..talk import Talk


def hobby(talk: Talk) -> None:
    """The user's hobby: how it is going, what is hard about it, a tip, why it is worth it."""
    one = talk.deal("hobbies", phrases("hobbies"))
    did = talk.deal(f"did {one['doing']}", one["did"])
    doing, time = one["doing"], one["time"]
    started = talk.grammar.expand("[last year|two years ago|in spring|when I was ten|a few weeks ago|as a student]", {})
    _get_to(talk, doing, time)
    talk.user(
        "[Pretty good|Not bad|Slowly, but well]. [This week|Yesterday|The other day|On Sunday] I <{did}>[, believe "
        "it or not||, and I was quite proud].",
        "answer",
        did=did,
    )
    talk.agent(
        "[Good for you|I'm impressed|That sounds like fun|Nice]. [Have you been doing it for long?|When did you "
        "start?|How long have you been doing that?]",
        "ask",
    )
    talk.user(
        "[I started <{started}>|It was <{started}>, roughly|I only began <{started}>]. [My {who} got me into it.|I "
        "just tried it and got stuck.|It was {friend}'s idea, actually.|]",
        "answer",
        started=started,
        who=talk.deal("who", ["neighbour", "dad", "aunt", "boss", "flatmate"]),
    )
    _ups_and_downs(talk, one)
    talk.agent(
        "[I hope it keeps going well|I'd love to hear how it goes|Keep me posted, will you|It clearly does you "
        "good]. [|You make {doing} sound very tempting.]",
        doing=doing,
    )
    talk.memos.append(
        Memo(
            "chat",
            f"that hobby of mine, {doing}",
            f"when did I say I started {doing}?",
            f"[You said|I think you said] <{started}>.",
        )
    )


def _ups_and_downs(talk: Talk, one: dict[str, Any]) -> None:
    """What is hard, what helps, what is nice about it, what is still wanted."""
    doing = one["doing"]
    if talk.room() > 60:
        talk.agent("[What's the hardest part?|Is anything tricky about it?|And what's the annoying bit?]", "ask")
        trouble = talk.deal(f"trouble {doing}", one["trouble"])
        talk.user("[Honestly,|The problem is,|Well,|] {trouble}.", "answer", trouble=trouble)
        talk.agent(
            "[Ah, I've heard that before|That's a classic|I can imagine]. [They say|People say|From what I've "
            "read,] {tip}.",
            "advise",
            tip=one["tip"],
            loose=True,
        )
        talk.user(
            "[Oh, that's good to know|I hadn't thought of that|Really? I'll try that|That makes sense]. "
            "[Anyway,|But|Still,] I love {joy}.",
            joy=talk.deal(f"joy {doing}", one["joy"]),
        )
    if talk.room() > 60:
        talk.agent(
            "[And is there anything you'd still like to get for it?|Do you need much equipment?|What's next on your "
            "list?]",
            "ask",
        )
        talk.user(
            "[I want to get|I'm saving up for|I could do with] {kit}. [Maybe for my birthday.||And more time, of "
            "course.]",
            "answer",
            kit=talk.deal(f"kit {doing}", one["kit"]),
        )


def _get_to(talk: Talk, doing: str, time: str) -> None:
    """How the talk comes to the hobby."""
    if talk.rng.random() < 0.5:
        talk.user(
            "{lead}[I've been {doing} again lately|I spent hours {doing} yesterday|I'm really into {doing} at the "
            "moment].",
            doing=doing,
        )
        talk.agent("{wow}. [How's it going?|Is it going well?|Are you making progress?]", "ask")
    else:
        talk.user(
            "{lead}[can we just chat for a bit?|I've got a few minutes, let's chat.|I don't need anything, I just "
            "feel like talking.]"
        )
        talk.agent(
            "[I'd like that|Gladly|Always]. [What have you been up to|What do you do when you've got time "
            "off|What's keeping you busy] [these days|at the moment|lately]?",
            "ask",
        )
        talk.user(
            "[Mostly {doing}|{doing}, mainly|I've taken up {doing}], [usually|mostly] {time}.", doing=doing, time=time
        )
        talk.agent("[{wow}. And|Oh,] [how's that going?|is it fun?|is it going well?|are you enjoying it?]", "ask")


def weather(talk: Talk) -> None:
    """The weather, plans that depend on it, tomorrow."""
    (_, now, plan), (other, _, _) = talk.deal_many("weather", phrases("small_talk")["weather"], 2)
    talk.user(f"{{lead}}it's {now} [here in {{home}}|today|outside] [this morning||at the moment].")
    talk.agent(
        "[Is it really|Oh, is it]? [How are you coping?|Do you mind that kind of weather?|What do you do on a day "
        "like that?]",
        "ask",
    )
    talk.user(
        f"[I think I'll|I'll probably|I might just] {plan}[|, and wait for tomorrow|, what else can you do].", "answer"
    )
    talk.agent(
        "[Good plan|That's what I'd do, if I had legs|Sounds sensible]. [Tomorrow should be|They say tomorrow will "
        f"be|Tomorrow might be] {other}[, but you never know|, apparently|]."
    )
    if talk.room() > 40:
        talk.user(
            "[Great, and I've got washing to do.|Typical, right when {friend} is coming.|I'll believe it when I see "
            "it.|Oh good, I was hoping for that.] [Do you even notice the weather?|Do you have a favourite season?]",
            "ask",
        )
        talk.agent(
            "[Only through people like you|I only hear about it, but I enjoy the descriptions|I like the way people "
            "talk about autumn]. [Snow seems to make everyone sound ten years younger.|Rain makes people talk "
            "longer, I've noticed.|What about you, which season is yours?]",
            "answer",
            loose=True,
        )
        talk.user("[Ha, that's true|I suppose you're right|I'd pick spring, I think|For me it's autumn, no question].")
        talk.agent(
            "[Fair enough|I'll remember that|I like that]. [Enjoy the day anyway.||Thanks for the weather "
            "report.|Tell me if it changes.]"
        )


def day(talk: Talk) -> None:
    """How the day went: one thing that went wrong, one that went right."""
    talk.user("{lead}[I've had quite a day|what a day|today was one of those days].")
    talk.agent("[Good or bad?|Oh, what happened?|Tell me about it.|A long one?]", "ask")
    talk.user(
        "[The bus didn't come|I locked myself out|My computer died|I spilled tea on my boss's notes|The lift got "
        "stuck with me in it|I went to work with odd shoes on], and [then|after that|on top of that] [I missed "
        "lunch|it started to rain|my phone ran out of battery|I had to explain it to everyone|{friend} cancelled "
        "dinner].",
        "answer",
    )
    talk.agent("{pity}. [Did anything nice happen at all?|Was there a good bit as well?|Did anything go right?]", "ask")
    talk.user(
        "[Well, yes,|Actually, yes,|Oddly enough,] [a stranger held the door and made a joke|{kin} had cooked when "
        "I got home|I found ten dollars in my coat|the sunset was amazing|somebody had left cake in the kitchen].",
        "answer",
    )
    if talk.room() < 45:
        talk.agent(
            "[Well, that's something|See, not all bad then|I'm glad about that]. [Tomorrow can only be easier.|I hope "
            "tomorrow's kinder.|Now put your feet up.]"
        )
        return
    talk.agent(
        "[That helps|See, that saves a day|I'm glad about that]. [And what will you do tonight?|So what's the "
        "plan for this evening?]",
        "ask",
    )
    talk.user(
        "[Absolutely nothing.|A bath, and then bed.|Put my feet up and call {friend}.|Eat something warm and go "
        "to bed early.]",
        "answer",
    )
    talk.agent(
        "[You've earned it|Sounds exactly right|That sounds healthy]. [Tomorrow can only be easier.|I hope "
        "tomorrow's kinder.||Let me know if I can take anything off your list.]"
    )


def weekend(talk: Talk) -> None:
    """Where the user went with whom, what happened there."""
    where, happened = talk.deal("outings", phrases("small_talk")["outings"])
    friend = talk.deal("friends", talk.friends)
    alone = where == "nowhere at all"
    company = "" if alone else " with <{who}>"
    talk.user("{lead}[you know what I did at the weekend?|I had such a good weekend.|guess where I went on Saturday.]")
    talk.agent(
        "[No, tell me!|Go on, where did you go?|I have no idea, what did you do?|You sound happy. What did you do?]",
        "ask",
    )
    we = "I" if alone else "[We|And we]"
    talk.user(f"I went {where}{company}. {we} {happened}.", "answer", who=friend)
    talk.agent(
        "[That sounds wonderful|Ha, that sounds like you|Oh, I like that|Perfect]. [Was it as good as you'd "
        "hoped?|What was the best moment?|Would you do it again?]",
        "ask",
    )
    talk.user(
        "[Definitely|Oh yes|Better, even]. [The best bit was the way home, we couldn't stop laughing|I'd forgotten "
        "how good it feels to do nothing useful|I haven't felt that relaxed for months|It was over far too quickly].",
        "answer",
    )
    if talk.room() > 45 and not alone:
        talk.agent("[And how's {who}?|How is {who} doing?|What about {who}, still the same?]", "ask", who=friend)
        talk.user(
            "[Oh, {who} is fine|Good, thanks], [just started a new job|moving to {town} next month|still looking "
            "for a flat|learning to drive, at last].",
            "answer",
            who=friend,
            town=talk.deal("places", [row[0] for row in table("towns")]),
        )
    talk.agent(
        "[That's good to hear|How nice|Lovely]. [You should do that more often.|Weekends like that keep you "
        "going.|I enjoy hearing about it.]"
    )


def pet(talk: Talk) -> None:
    """A pet that does something odd."""
    kind, habit = talk.deal("pets", phrases("small_talk")["pets"])
    name = talk.deal("pet names", [row[0] for row in table("pets")])
    talk.user(
        f"{{lead}}[my|our] {kind} {habit}. [Is that normal?|What do you think about that?|Can you believe it?]", "ask"
    )
    talk.agent(
        "[Ha, perfectly normal, I'd say|It sounds like a strong personality|I've heard stranger things]. [What's "
        "the name?|What do you call your {kind}?]",
        "ask",
        kind=kind,
    )
    talk.user(
        "<{pet}>. [We got the name from the children.|It just fitted.|Don't ask why.|It was {friend}'s idea.]",
        "answer",
        pet=name,
    )
    talk.agent(
        "[{pet}, I love that|What a good name|{pet} suits a {kind}]. [How long have you had {pet}?|And how old is "
        "{pet}?]",
        "ask",
        pet=name,
        kind=kind,
    )
    years = talk.grammar.expand("[two|three|four|five|six|seven]", {})
    talk.user(
        "[About|Nearly|Just over] <{years} years>[ now||, I think]. [Came from a shelter.|We found each other at a "
        "farm.||From a neighbour who moved away.]",
        "answer",
        years=years,
    )
    if talk.room() > 40:
        talk.agent(
            "[And who looks after {pet} when you're away?|And who feeds {pet} when you travel?]", "ask", pet=name
        )
        talk.user(
            "[Luckily {who} does that|{who} adores {pet}, so that's easy|That's a long story, but it works, thanks "
            "to {who}].",
            "answer",
            who=talk.kin,
            pet=name,
        )
    talk.agent("[Give {pet} a scratch from me.|Well, say hello to {pet}.|{pet} is lucky to have you.]", pet=name)
    talk.memos.append(
        Memo(
            "chat",
            f"our {kind}",
            f"[how old did I say our {kind} is|how long did I say we've had {name}]?",
            f"[You said|It was] [about|roughly] <{years} years>.",
        )
    )


def food(talk: Talk) -> None:
    """What there is to eat today, and what each would recommend."""
    dish = talk.grammar.expand(talk.deal("dishes", phrases("small_talk")["dishes"]), {})
    talk.user("{lead}[I'm starving|I can't stop thinking about lunch|I just had the best lunch].")
    talk.agent("[What are you having?|What was it?|What do you fancy?]", "ask")
    talk.user(
        "<{dish}>[, as always|, from the place round the corner|, with far too much pepper|].", "answer", dish=dish
    )
    talk.agent(
        "[Good choice|Ooh|That sounds comforting]. [Do you make it yourself sometimes?|Is it any good there?|Sweet "
        "or savoury person, if you had to choose?]",
        "ask",
    )
    talk.user(
        "[Sometimes, when I have time|Yes, but never as good as my gran's|Depends on the day|Not if {kin} is cooking].",
        "answer",
    )
    if talk.room() > 40:
        talk.agent(
            "[If you could eat only one thing for a week, what would it be?|What could you eat every single day?]",
            "ask",
        )
        talk.user(
            "[Cheese, without thinking|Bread, I suppose|Potatoes, they never get boring|Noodles, in any "
            "shape|Anything with tomatoes].",
            "answer",
        )
    talk.agent(
        "[Well, enjoy it|Save me the smell at least|I'm only a voice, but now I'm hungry too]. [Bon appetit.||A "
        "good lunch can rescue a Monday.]"
    )


def music(talk: Talk) -> None:
    """Music the user listens to, when and why."""
    kind, why = talk.deal("music", phrases("small_talk")["music"])
    talk.user(
        "{lead}[I've been listening to a lot of {music} lately|I'm all about {music} at the moment|I put on some "
        "{music} just now].",
        music=kind,
    )
    talk.agent(
        "[Oh, {music}, good|Interesting]. [What do you like about it?|What got you hooked?|Why {music}?]",
        "ask",
        music=kind,
    )
    talk.user(f"[It's {why}, I think|I'd say {why}|Mostly {why}].", "answer")
    talk.agent(
        "[I can hear that|That makes sense to me|Nicely put]. [Do you play anything yourself?|Do you listen at home "
        "or on the way to work?|Do you like it live as well?]",
        "ask",
    )
    talk.user(
        "[I used to play the recorder, badly|Only on the train, with big headphones|Mostly when I'm "
        "cooking|{friend} and I saw a band in {home} last month, it was great].",
        "answer",
    )
    talk.agent(
        "[That's the best way|Lovely|Good for the soul, they say]. [Thanks for the tip, in any case.|Turn it up a "
        "bit for me.|Now I'm curious.]"
    )


SCENES = (hobby, weather, day, weekend, pet, food, music)
