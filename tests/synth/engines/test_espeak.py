"""espeak-ng: any of its languages with true word times, the same in every process, by library or by program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from synth.alignment import Energy
from synth.engines import Engine, Speech, Style, engine_entry, espeak
from synth.engines.espeak_voices import VARIANTS, espeak_languages, espeak_voices
from synth.engines.hums import hum
from synth.engines.pseudo.pitch import track_pitch
from synth.voices.casting import engine_voices, load_engine

needs_library = pytest.mark.skipif(
    (espeak.found() or ("", ""))[0] in ("", "program"), reason="needs the extra 'espeak'"
)
SAID = {
    "de": "Guten Tag, ich hätte gern zwei Brötchen. Mhm. Und Käse, z. B. jetzt?",
    "en": "This is one of the best things in the world, and that's it.",
    "es": "Cómo estás? Son treinta y un euros!",
    "fr": "Qu'est-ce que c'est? Il y a deux cents personnes.",
    "it": "Costa ventotto euro il cinquanta per cento.",
    "pt": "Não sei o que é que ele quer. Dê-me um café.",
    "ru": "Привет, как дела?",
    "hi": "नमस्ते आप कैसे हैं",
}


@pytest.fixture
def fresh() -> Iterator[None]:
    load_engine.cache_clear()
    yield
    load_engine.cache_clear()


def said(engine: Engine, text: str, voice: str, style: Style | None = None, seed: int = 1) -> Speech:
    voices = engine_voices("espeak", language=voice.partition("-")[0])
    return engine.speak(text, voices[voice], style or Style(), seed)


@needs_library
@pytest.mark.parametrize("language", SAID)
def test_words_of_any_language_are_where_they_sound(language: str) -> None:
    speech = said(load_engine("espeak", language), SAID[language], f"{language}-f2")
    assert speech.words is not None
    assert [word.text for word in speech.words] == SAID[language].split()
    assert {word.source for word in speech.words} == {"native"}
    energy = Energy.of(speech.samples, speech.rate)
    inside = np.zeros(len(energy.level), np.bool_)
    for word in speech.words:
        inside[round(word.start / 0.005) : round(word.end / 0.005)] = True
    assert energy.level[inside].mean() > energy.level[~inside].mean() + 15  # dB
    begin, end = energy.span
    assert speech.words[0].start == pytest.approx(begin, abs=0.06)
    assert speech.words[-1].end == pytest.approx(end, abs=0.06)


@needs_library
def test_the_same_request_gives_the_same_samples_whatever_was_said_before_and_in_any_process(fresh: None) -> None:
    engine = load_engine("espeak", "de")
    first = said(engine, SAID["de"], "de-m3")
    for voice in ("de-f5", "de-m1", "de-m3"):
        said(engine, "Etwas anderes.", voice)
    again = said(engine, SAID["de"], "de-m3")
    load_engine.cache_clear()
    anew = said(load_engine("espeak", "de"), SAID["de"], "de-m3")
    assert np.array_equal(first.samples, again.samples)
    assert np.array_equal(first.samples, anew.samples)
    assert first.words == again.words == anew.words


@needs_library
def test_voices_rate_and_liveliness_are_heard() -> None:
    engine = load_engine("espeak", "de")
    calm = Style(liveliness=0.0)
    low, high = (said(engine, SAID["de"], voice, calm) for voice in ("de-m4", "de-f3"))

    def pitch(speech: Speech) -> float:
        track = track_pitch(speech.samples, speech.rate, 0.01)
        return float(np.median(track[track > 0]))

    assert pitch(high) > 1.4 * pitch(low)
    assert np.array_equal(low.samples, said(engine, SAID["de"], "de-m4", calm, seed=2).samples)
    assert not np.array_equal(low.samples, said(engine, SAID["de"], "de-m4", seed=2).samples)
    fast = said(engine, SAID["de"], "de-m4", Style(rate=1.5, liveliness=0.0))
    assert len(fast.samples) < 0.75 * len(low.samples)


def test_the_table_of_languages_is_that_of_the_wheel() -> None:
    loader = pytest.importorskip("espeakng_loader", reason="needs the extra 'espeak'")
    data = Path(loader.get_data_path())
    files = {path.name.lower(): path for path in (data / "lang").rglob("*") if path.is_file()}
    names = [(accent, name) for accents in espeak_languages().values() for accent, name in accents.items()]
    for accent, name in names:
        assert f"\nname {name}" in f"\n{files[accent].read_text(encoding='utf-8')}".replace("name  ", "name ")
    variants = {path.name for path in (data / "voices" / "!v").iterdir()}
    assert set(VARIANTS) <= variants
    assert len(espeak_languages()) > 100


def test_voices_by_argument() -> None:
    assert [voice.id for voice in espeak_voices("en-us+f2,pt-br+Alicia")] == ["en-us-f2", "pt-br-Alicia"]
    assert [voice.gender for voice in espeak_voices("en-us+f2,pt-br+Alicia")] == ["f", None]
    entry = engine_entry("espeak:es-419")
    assert (entry.languages, len(entry.voices)) == (("es",), len(VARIANTS))
    assert {voice.licence for voice in entry.voices} == {"GPL-3.0-or-later"}
    assert next(iter(engine_voices("espeak", language="pt"))) == "pt-m1"
    with pytest.raises(ValueError, match="espeak has no accent 'en-su'; did you mean 'en-us'"):
        engine_entry("espeak:en-su")
    with pytest.raises(ValueError, match="engine espeak:de does not speak 'fr'; it speaks de"):
        load_engine("espeak:de", "fr")


@pytest.mark.parametrize(
    ("word", "language", "respelled"),
    [
        ("Mhm", "de", "M'hm"), ("mm-hmm", "en-us", "umhum"), ("Hmm", "de", "Hm"), ("hm", "fr-fr", "hmm"),
        ("Mmm", "es", "Um"), ("m", "de", "m"), ("Hummel", "de", "Hummel"), ("mmmmmmmmm", "de", "mmmmmmmmm"),
    ],
)  # fmt: skip
def test_hums_are_not_spelled_out(word: str, language: str, respelled: str) -> None:
    assert hum(word, language) == respelled


def test_pipers_phonemes_of_a_hum_are_no_letters() -> None:
    pytest.importorskip("piper", reason="needs the extra 'piper'")
    from synth.engines.piper import espeak_symbols

    assert ["".join(symbols) for symbols in espeak_symbols("de", "Mhm.")] == ["ˈɛmhm."]


def test_without_espeak_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setattr(espeak, "found", lambda: None)
    with pytest.raises(ValueError, match=r"^engine espeak needs espeak-ng: apt install espeak-ng, or pip install 'duo"):
        load_engine("espeak", "de")


PROGRAM = """#!{python}
import io, sys, pathlib, numpy, soundfile
at = pathlib.Path(__file__)
if "--version" in sys.argv:
    print("eSpeak NG text-to-speech: 1.51  Data at: /usr/lib/espeak-ng-data")
elif "-q" in sys.argv:
    sys.exit(sys.argv[sys.argv.index("-v") + 1] != "de")
else:
    at.with_name("asked").write_text(" ".join(sys.argv[1:]) + "|" + sys.stdin.read())
    file = io.BytesIO()
    soundfile.write(file, 0.1 * numpy.random.default_rng(0).standard_normal(22050), 22050, format="WAV")
    content = bytearray(file.getvalue())
    content[40:44] = (0x7FFFF000).to_bytes(4, "little")  # as it writes to a pipe: the length is not known yet
    sys.stdout.buffer.write(content)
"""


def test_the_program_alone_speaks_without_word_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: None
) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(espeak, "found", lambda: ("program", str(program)))
    engine = load_engine("espeak", "de")
    assert engine.version == "worker-espeak-1.51"
    speech = said(engine, "Guten Tag. Mhm.", "de-f1", Style(rate=1.2, liveliness=0.0))
    assert (speech.rate, speech.words, len(speech.samples)) == (22_050, None, 22_050)
    assert (tmp_path / "asked").read_text() == "-v de+f1 -s 210 -p 50 --stdin --stdout|Guten Tag. M'hm."
    with pytest.raises(ValueError, match=r"did not start: .*espeak-ng 1.51 \(.*\) does not know fr"):
        load_engine("espeak", "fr")
