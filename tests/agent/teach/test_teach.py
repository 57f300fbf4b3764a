"""`agent teach` from a file of questions to an agent that was examined: resumed, redone where something changed."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile  # type: ignore[import-untyped]
from rich.console import Console

from agent import load_bundle
from agent.commands.teach import teach as command
from agent.judging.probes import question_probes
from agent.teach import TeachOrder, teach
from agent.teach.examination import OUTCOME, read_report
from agent.teach.progress import TeachProgress
from agent.teach.recipe import read_teaching
from agent.teach.rehearsal import read_recipe
from agent.teach.stages import TeachStage
from agent.teach.state import TeachFolder
from agent.teach.teaching import stages_of
from agent.tokens.unspoken import read_plans
from corpus.card import CARD
from corpus.durable import replace_text
from corpus.reader import Corpus
from synth.engines.pseudo.blend import MARK
from synth.recipe import load_recipe
from tests.support.agent_fixtures import FakeClock
from tests.support.teaching import RECIPE, speak_tones, tiny_base, tiny_recipe

MENU = """
name = "Bella"
greeting = "Bella here."
[[question]]
ask = ["When are you open?", "What are your hours?"]
judge = ["How long are you open?"]
answer = "From noon to ten."
key = "noon"
[values]
size = ["small", "large"]
[[dialogue]]
name = "order"
turns = [{ user = ["A {size} pizza."], agent = "A {size} one, sure." }]
"""


class Menu:
    """A file to teach, its order, and what is said while it is carried out."""

    def __init__(self, folder: Path) -> None:
        self.file, self.out = folder / "menu.toml", folder / "run"
        self.base, self.recipe = tiny_base(folder / "base"), tiny_recipe(folder / "tiny.toml")
        self.write(MENU)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def order(self, **changes: Any) -> TeachOrder:
        return TeachOrder.of(self.file, self.out, base=str(self.base), recipe=self.recipe, **changes)

    def teach(self) -> list[str]:
        """The titles of the stages that were worked at."""
        said = io.StringIO()
        teach(self.order(), Console(file=said, width=200))
        return list(dict.fromkeys(line.split(":")[0] for line in said.getvalue().splitlines()))

    def stages(self, **changes: Any) -> dict[str, TeachStage]:
        return {stage.name: stage for stage in stages_of(self.order(**changes))}


@pytest.fixture
def menu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Menu:
    speak_tones(monkeypatch)
    return Menu(tmp_path)


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_file_becomes_an_agent_which_goes_on_after_a_stop_and_redoes_only_what_changed(
    menu: Menu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("agent.teach.stages.tokenize", stopped)
        with pytest.raises(KeyboardInterrupt):
            menu.teach()
    corpus = stamps(menu.out / "corpus")
    assert not (menu.out / "config.json").exists()
    assert len(Corpus(menu.out / "corpus")) == len(menu.order().practice())  # each once, however long they are

    with monkeypatch.context() as patched:  # killed when the training was through, but not noted
        patched.setattr("agent.teach.teaching.examine", stopped)
        with pytest.raises(KeyboardInterrupt):
            menu.teach()
    trained = stamps(menu.out / "training")
    known, taught = ([*read_plans(menu.out / "reading" / f"{name}.jsonl.gz")] for name in ("known", "taught"))
    assert {turn.text for each in taught for turn in each.turns} >= {"Bella here.", "From noon to ten."}
    assert "Bella here." not in {turn.text for each in known for turn in each.turns}
    assert menu.teach() == ["examining"]
    assert stamps(menu.out / "corpus") == corpus
    assert stamps(menu.out / "training") == trained

    report = read_report(menu.out / "exam")
    assert [(each.exam, each.asked, each.key, each.voice) for each in report.answers if each.key == "noon"] == [
        ("voices", report.of_name("voices")[0].asked, "noon", "ls1926-f"),
        ("wordings", "How long are you open?", "noon", report.of_name("wordings")[0].voice),
        ("both", "How long are you open?", "noon", "ls1926-f"),
    ]
    assert report.of_name("voices")[0].asked in ("When are you open?", "What are your hours?")
    assert sorted(report.of_name("wordings")[0].voice.split(MARK)[::2]) == ["ls125-f", "ls1334-m"]  # as in practice
    assert all(soundfile.info(menu.out / each.sound).channels == 2 for each in report.answers)
    card = (menu.out / CARD).read_text(encoding="utf-8")
    for title, right, count, chance in report.rows():
        assert f"| {title} | {right} of {count} | {100 * chance:.0f} % |" in card
    assert "ls1926-f" in card
    assert load_bundle(menu.out).codec.config == load_bundle(menu.base).codec.config
    assert menu.teach() == []

    known, before = (report.of_name(name) for name in ("known", "before"))
    assert [each.asked for each in known] == [each.asked for each in before] != []

    def as_before(held: Any, folder: Path, advance: Any) -> None:
        replace_text(folder / OUTCOME, report.model_dump_json())

    monkeypatch.setattr("agent.teach.teaching.examine", as_before)
    menu.write(MENU.replace("How long are you open?", "Until when are you open?"))
    assert menu.teach() == [
        "preparing the examination, new wordings",
        "preparing the examination, new wordings by voices held out",
        "examining",
    ]
    assert stamps(menu.out / "training") == trained
    (asked, *_) = question_probes(Corpus(menu.out / "exam-both"))
    assert asked.text == "Until when are you open?"


def test_what_depends_on_an_edit_is_another_stage_and_nothing_else(menu: Menu) -> None:
    before = menu.stages()

    def changed(**changes: Any) -> set[str]:
        return {name for name, stage in menu.stages(**changes).items() if stage.digest != before[name].digest}

    assert changed() == set()
    assert changed(steps=3) == {"training", "exam"}
    menu.recipe.write_text(RECIPE.replace("known = 0.02", "known = 0.03"), encoding="utf-8")
    assert changed() == {"reading", "training", "exam"}
    menu.recipe.write_text(RECIPE.replace("unspoken = 1", "unspoken = 0"), encoding="utf-8")
    assert {*before} - {*menu.stages()} == {"reading"}
    tiny_recipe(menu.recipe)
    menu.write(MENU.replace("[[question]]", 'about = "A shop."\n[[question]]', 1))
    assert changed() == set()
    menu.write(MENU.replace("From noon to ten.", "From noon to nine."))
    assert changed() == set(before) - {"rehearsal", "rehearsal-tokens", "exam-known"}
    menu.write(f'language = "de"\n{MENU.replace("Bella here", "Hier ist Bella")}')
    with pytest.raises(ValueError, match="knows English only, not 'de': give --base, and --recipe"):
        menu.order()


def test_what_is_read_is_the_talk_that_the_shipped_model_read(menu: Menu) -> None:
    ours = read_recipe(TeachOrder.of(menu.file, menu.out))
    same = {"name", "timing", "topics", "length", "behaviours", "voices"}
    theirs = load_recipe(Path("datasets/reading.toml"))
    assert ours.model_dump(include=same) == theirs.model_dump(include=same)


def test_reading_needs_something_to_read_and_a_model_that_writes_down_what_it_hears(menu: Menu) -> None:
    menu.recipe.write_text(RECIPE.replace("0.02\ntaught = 0.01", "0\ntaught = 0"), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape("training.unspoken: [reading] gives nothing to read")):
        menu.order()
    tiny_recipe(menu.recipe)
    menu.base = tiny_base(menu.base.with_name("deaf"), user_text=False)
    with pytest.raises(ValueError, match="deaf writes down no user's words and cannot read: give --recipe with unspok"):
        menu.order()


def test_a_stage_goes_on_with_the_same_input_and_begins_anew_with_other(tmp_path: Path) -> None:
    made = TeachFolder(tmp_path / "run").begin("corpus", "one")
    made.mkdir()
    (made / "half").touch()
    assert (TeachFolder(tmp_path / "run").begin("corpus", "one") / "half").exists()
    folder = TeachFolder(tmp_path / "run")
    assert not folder.is_done("corpus", "one")
    folder.finish("corpus", "one")
    assert TeachFolder(tmp_path / "run").is_done("corpus", "one")
    assert not folder.is_done("corpus", "two")
    assert not folder.begin("corpus", "two").exists()
    assert not TeachFolder(tmp_path / "run").is_done("corpus", "one")


def test_a_folder_with_something_else_in_it_is_left_alone(menu: Menu) -> None:
    menu.out.mkdir()
    (menu.out / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else than a taught agent: choose another --out"):
        menu.teach()
    assert [path.name for path in menu.out.iterdir()] == ["thesis.txt"]


def test_a_voice_for_judging_only_is_never_taught(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[voices]\nheld_out = ["joe"]\n')
    with pytest.raises(ValueError, match=re.escape(f"{path}: voices.held_out: joe would be taught, too")):
        read_teaching(path)
    path.write_text("[training]\nstep = 3\n")
    with pytest.raises(ValueError, match=re.escape("did you mean 'steps'?")):
        read_teaching(path)
    assert read_teaching(None, steps=7).training.steps == 7
    assert not {*read_teaching(None).voices.taught} & {*read_teaching(None).voices.held_out}


def test_an_example_is_written_once_and_can_be_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command(example="pizza")
    assert "pizza.toml" in capsys.readouterr().out
    order = TeachOrder.of(Path("pizza.toml"))
    assert order.out == Path("runs/pizza")
    assert len(order.practice()) > 20
    with pytest.raises(ValueError, match=re.escape("pizza.toml is there already")):
        command(example="pizza")
    with pytest.raises(ValueError, match=re.escape("no example is called 'piza'; did you mean 'pizza'?")):
        command(example="piza")
    with pytest.raises(ValueError, match="agent teach --example pizza writes one"):
        command()


def test_the_line_of_progress_tells_the_time_left_of_all_stages() -> None:
    clock = FakeClock()
    progress = TeachProgress(Console(file=io.StringIO()), 0.8, clock)  # a fifth was done before
    progress.stage("speaking", 0.2)
    clock.forward(30)
    assert progress.line(0.5) == "speaking: 12 %, about 0:03:30 left"  # an eighth of the work in half a minute
    progress.stage("learning", 0.6)
    clock.forward(30)
    assert progress.line(0.5) == "learning: 62 %, about 0:00:36 left"
