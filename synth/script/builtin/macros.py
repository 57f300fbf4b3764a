"""Phrases every family uses, as templates: acknowledgements, thanks, reactions, repairs, asides."""

from __future__ import annotations

MACROS = {
    "sure": "[Sure|Of course|No problem|Happy to|Certainly|Gladly|Absolutely|With pleasure|Yes, of course|Sure thing]",
    "ok": "[Okay|All right|Right|Got it|Fine|Good|I see|Understood|Makes sense|Very good]",
    "great": "[Great|Perfect|Lovely|Wonderful|Excellent|Brilliant|Sounds good|That works|Nice]",
    "thanks": "[Thanks|Thank you|Thanks a lot|Thank you so much|Great, thanks|Perfect, thank you|Cheers]",
    "welcome": "[You're welcome|Any time|No trouble at all|My pleasure|Don't mention it|Glad to help|Not at all]",
    "wow": "[Wow|Really|Oh, nice|No way|Oh, wow|How lovely|Ha|Goodness|Oh, that's great]",
    "pity": "[Oh, I'm sorry to hear that|Oh dear|That's a shame|Oh no|That sounds frustrating|What a pity]",
    "yes": "[Yes|Yeah|Yep|That's right|Exactly|Correct|Right|Yes, exactly]",
    "no": "[No|Nope|Not really|No, not at all|Not quite|I'm afraid not]",
    "please": "[please|if you can|if that's all right|if you don't mind]",
    "maybe": "[maybe|perhaps|possibly|I suppose]",
    "wait": "[Wait|Hang on|Hold on|Sorry|Sorry to interrupt|Wait a second|Oh, wait|One second]",
    "by_the_way": "[By the way|Oh, and|One more thing|Actually|Oh, before I forget|Another thing|Also|That reminds me]",
    "next": "[Then|Next|After that|Now|Once that's done]",
    "think": "[I think|I guess|I'd say|I believe|It seems to me|I have a feeling]",
    "let_me_see": "[Let me see|Let me think|Let me check|Let me look|Hmm, let's see|Just a moment]",
    "could_you": "[Could you|Can you|Would you|Please could you|Could you please]",
    "i_want": "[I'd like to|I want to|I need to|I was hoping to|I'm trying to|I'd love to]",
    "tell_me": "[Can you tell me|Do you know|Could you tell me|I'd like to know|Any idea|Remind me]",
}

WHAT = (
    "[Sorry, what was that?|[Sorry,|Pardon,|Hm,] [can you repeat that?|I didn't hear that.|what did you say?|one "
    "more time?|could you repeat that?|I missed that.]|[The line|My phone|The sound] [cut out|crackled|went] for a "
    "moment. [What was that?|Once more, please?|Say that again?]|Sorry, I didn't catch that.|Pardon?|Could you say "
    "that again, please?|Sorry, say that again?|I missed that, sorry.|What did you say?|Sorry, I didn't quite hear "
    "you.|Come again?|Excuse me?|Sorry, it's a bit noisy here. What did you say?|You broke up for a second. What "
    "was that?]"
)
WHAT_PART = (
    "[Sorry, I only caught half of that.|I missed the important bit, sorry.|Sorry, what was the main thing "
    "again?|That went a bit fast for me.|Sorry, I lost you there for a moment.]"
)
SAY_AGAIN = "[I said,|I was saying,|I just said,|Sorry, I said,|No problem, I said,]"
ASK_AGAIN = "[I was asking,|My question was,|I asked,|I just wondered,|Sorry, I asked,]"
SAY_PLAIN = "[No problem.|Sure.|Sorry.|Of course.|Right, once more.|Again, slowly.]"
KEY_AGAIN = "[The main thing is|The important part is|What matters is|I was talking about|The part you need is]"

CHECK_KEY = (
    "[Sorry, did you say|Wait, did you say|Hang on, was that|Sorry to cut in, was that|Hold on, did you just "
    "say|One second, you said|Oh, wait,] {key}?"
)
CONFIRM_KEY = "[Yes, {key}.|That's right, {key}.|Exactly, {key}.|Yep, {key}.|Correct, {key}.|Yes, that's what I said.]"
SLOWER = (
    "[Sorry,|Wait,|Hang on,|One second,|Hold on,|Oh, sorry,] [could you slow down a little?|a bit slower, "
    "please.|you're going a little fast for me.|can you speak up a bit?|I need to write this down.|I just have to "
    "find a pen.|let me just shut the window.|there's a lorry going past.|my headphones slipped.|I have to move to "
    "another room.|I was looking away for a moment.|can you do that a bit slower?|the kettle's making such a noise.]"
)
SLOWER_REPLY = "[Of course.|Sure, no rush.|Sorry about that.|No problem.|Sure.|Yes, of course.|Certainly.]"
GO_AHEAD = "[Oh, sorry, I thought you were done. Go ahead.|Right, and, sorry, you go first.|Yes, oh, sorry, go on.]"
BROKE_UP = (
    "[Sorry, you're breaking up. Could you say that again?|Sorry to cut in, I lost you for a moment. Once more, "
    "please?|Sorry, I can't quite hear you. Can you start again?]"
)
RESTART = "[Of course.|No problem.|Okay, once more.|Sure.|Oh, sorry.|Right.]"
AS_I_WAS_SAYING = "[As I was saying,|So,|Anyway,|So, as I said,|Where was I? Oh yes,|Right, so|||]"
CARRY_ON = (
    "[Okay, go on.|Thanks, carry on.|Right, sorry, go ahead.|Got it. And then?|Okay, I'm listening.|Good, keep "
    "going.|Thanks. Sorry, you were saying?]"
)
ENOUGH = (
    "[Okay, okay, I think I've got it.|All right, that's plenty, thank you.|Ah, say no more, I get the idea.|Right, "
    "I see what you mean.|Okay, I get it, no need to explain.]"
)
ENOUGH_REPLY = "[Good.|Fair enough.|Great, I'll stop there.|Ha, fair enough.|All right then.|Good to hear.]"

_LOOKING = (
    "[Hang on, let me look.|Just a second, please.|Wait a moment, I need to find my glasses.|One moment, I'm just "
    "checking.|Bear with me a second.|Hold on, I have to get up for that.|One second, there's somebody at the door.]"
)
HOLD_USER = {
    "booking": "[Hold on a second, let me check my calendar.|One second, where's my diary?|Let me just ask "
    "{kin}.|Give me a moment to think about that.|Hmm, hold on a second.|Just a second, I'm looking at "
    "my calendar.]",
    "support": _LOOKING,
    "directions": _LOOKING,
    "howto": _LOOKING,
    "": "[Hold on a second, let me think.|Give me a moment to think about that.|Hmm, hold on a second.|Let me think "
    "about that for a second.|Just a second, somebody's at the door.|Wait, I need to think.]",
}
HOLD_AGENT = (
    "[One moment, please.|Just a moment, let me check.|Hold on a second, I'm looking.|Let me have a look.|Give me a "
    "second to check that.|One second, please.|Bear with me for a moment.|Let me just make sure.]"
)
HOLD_WAIT = "[Take your time.|No rush.|Sure, no hurry.|Of course, take your time.|I'm here when you're ready.]"
HOLD_DONE = "[Okay,|Right,|So,|All right,|Okay, so|Right, so]"
PONDER = "[Well, let me think,|Hmm,|Let me see,|Well,|Hmm, let me see,|Let me think,|Hmm, well,]"

BACK_FROM_ASIDE = (
    "[Sorry, that was {kin}.|Sorry about that.|Sorry, I was talking to {kin}.|Okay, I'm back.|Sorry, {kin} just "
    "walked in.|Sorry, where were we? Oh yes.|Right, sorry. Back to you.]"
)
# What the user says to somebody in the room, and what that person may answer.
ASIDES = (
    ("{called}, can you turn that down, please?", "[Sorry, I'll turn it down.|Okay, okay.]"),
    ("[Hey,|] {called}, did you feed the cat?", "[Not yet, I'll do it now.|Yes, an hour ago.]"),
    ("{called}, have you seen my [glasses|keys|charger|phone]?", "[On the kitchen table.|No, sorry.|By the door.]"),
    ("No, {called}, not now, I'm [talking|on a call].", "[Oh, sorry.|Okay, I'll come back later.]"),
    ("Could you shut the [door|window], {called}? [It's freezing.|Thanks.|]", "[Sure.|One second.|Done.]"),
    (
        "{called}, is that the [doorbell|oven|kettle|washing machine]?",
        "[I'll get it.|Yes, I'm on it.|I don't think so.]",
    ),
    ("Just a minute, {called}, I'm nearly done.", "[No hurry.|Okay, the food's getting cold though.]"),
    ("{called}, what time are you leaving?", "[In about ten minutes.|Around six, I think.|After lunch.]"),
    ("Careful with that, {called}, it's [hot|heavy|full].", "[I know, I know.|Thanks, I've got it.]"),
    ("Yes, {called}, you can have [a biscuit|an apple|some juice|the last slice].", "[Thank you.|Yes.|Great.]"),
    (
        "[Put it on the table|Leave it by the door|Just leave it there], {called}, thanks.",
        "[Okay.|Will do.|Right here?]",
    ),
    ("{called}, can you let the dog out?", "[Come on then, boy.|In a minute.|Sure.]"),
    ("Are you making tea, {called}? I'd love [a cup|one].", "[Milk and sugar?|Coming right up.|Okay.]"),
    ("[Tell him|Tell her] I'll call back later, {called}.", "[Okay, I'll say that.|All right.]"),
)

# By the act of the line; the empty act stands for all others.
START_FILLERS = {
    "tell": ("Um,", "Uh,", "Well,", "So, um,", "You know,", "Er,"),
    "argue": ("Um,", "Well,", "Hmm,", "You know,", "I mean,", "Well, uh,"),
    "answer": ("Um,", "Uh,", "Well,", "Hmm,", "Oh,", "Well, uh,", "Er,"),
    "ask": ("Um,", "Uh,", "Well,", "Er,", "Oh,"),
    "": ("Um,", "Uh,", "Hmm,", "Oh,", "Er,"),
}
MIDDLE_FILLERS = {"user": ("um,", "uh,", "you know,", "I mean,", "er,"), "agent": ("um,", "uh,", "er,")}
