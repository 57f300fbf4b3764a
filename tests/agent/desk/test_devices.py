"""Devices of every kind, and what happens to them in the midst of a talk."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from agent.desk.device import AGAIN_S, SILENT_S, Device
from agent.desk.line import AudioLine
from agent.desk.microphone import sound
from agent.desk.streams import formats, opened
from corpus.audio import SAMPLE_RATE, Samples
from tests.support.agent_fixtures import FakeClock
from tests.support.sound_card import Port, SoundCard

MICROPHONE, SPEAKER = Port("desk microphone", "input", (48_000,)), Port("desk speaker", "output", (48_000,))


class Desk:
    """A device at work, moved on in steps of 20 ms."""

    def __init__(self, *ports: Port, wanted: tuple[str | None, str | None] = (None, None), **card: Any) -> None:
        self.card, self.clock, self.told = SoundCard(list(ports), **card), FakeClock(), list[str]()
        self.line = AudioLine(SAMPLE_RATE)
        self.device = Device(self.card, wanted, self.line, self.clock, self.told.append)
        self.at = 0

    def pass_time(self, seconds: float, hertz: float = 440.0) -> tuple[Samples, Samples]:
        """What the loop heard at 24 kHz, and what was played of a tone of 300 Hz."""
        heard, played = [], []
        for _ in range(round(seconds / 0.02)):
            self.clock.now += 0.02
            if len(self.line.playback) < self.line.playback.room / 2:
                self.line.play(tone(300.0, 480, SAMPLE_RATE, self.at * 480))
            played += [out[:, 0] for out in self.card.play(0.02, lambda n: tone(hertz, n, 50 * n, self.at * n))]
            self.at += 1
            self.device.look()
            near, far = self.line.receive()
            assert len(near) == len(far)
            heard.append(near)
        return np.concatenate(heard), np.concatenate(played) if played else np.zeros(0, np.float32)


def tone(hertz: float, count: int, rate: int, start: int) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * (start + np.arange(count)) / rate)).astype(np.float32)


def pitch(samples: Samples, rate: int) -> float:
    """Of the second half, in Hz."""
    half = samples[len(samples) // 2 :] * np.hanning(len(samples) - len(samples) // 2)
    return float(np.abs(np.fft.rfft(half)).argmax() * rate / len(half))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("out_rate", [44_100, 48_000])
@pytest.mark.parametrize("channels", [(1,), (2,)])
def test_any_microphone_with_any_loudspeaker(rate: int, out_rate: int, channels: tuple[int, ...]) -> None:
    desk = Desk(Port("m", "input", (rate,), channels), Port("s", "output", (out_rate,), channels))
    assert len(desk.card.streams) == (1 if rate == out_rate else 2)
    heard, played = desk.pass_time(2.0)
    assert abs(len(heard) - 2 * SAMPLE_RATE) < 0.03 * SAMPLE_RATE
    assert pitch(heard, SAMPLE_RATE) == pytest.approx(440, abs=3)
    assert pitch(played, out_rate) == pytest.approx(300, abs=3)
    assert np.abs(heard).max() == pytest.approx(0.3, abs=0.03)
    assert desk.told == []


def test_devices_that_have_no_common_clock_get_two_streams() -> None:
    desk = Desk(MICROPHONE, SPEAKER, refuses_both=True)
    assert [len(stream.ports) for stream in desk.card.streams] == [1, 1]
    assert pitch(desk.pass_time(1.0)[0], SAMPLE_RATE) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("way", ["unplugged", "driver gives up", "driver hangs"])
def test_a_device_that_dies_is_noticed_within_a_second_and_opened_again(way: str) -> None:
    microphone = Port("headset", "input", (48_000,))
    desk = Desk(microphone, SPEAKER)
    desk.pass_time(1.0)
    if way == "driver gives up":
        desk.card.streams[0].active = False
    microphone.plugged = False
    before = desk.clock.now
    while not desk.told:
        desk.pass_time(0.02)
    assert desk.clock.now - before <= (0.05 if way == "driver gives up" else 1.0)
    assert desk.told == ["the sound device has gone; looking for another"]
    desk.pass_time(2.0)
    assert len(desk.told) == 1, "told once, tried again and again"
    microphone.plugged = True
    desk.pass_time(AGAIN_S + 0.1)
    assert desk.told[1:] == ["the sound is back"]
    assert pitch(desk.pass_time(1.0, hertz=500.0)[0], SAMPLE_RATE) == pytest.approx(500, abs=3)
    assert len(desk.card.streams) == 1, "the dead ones were closed"


def test_another_device_takes_over_from_the_one_that_was_wanted() -> None:
    headset = Port("headset", "input", (16_000,))
    desk = Desk(headset, MICROPHONE, SPEAKER, wanted=("headset", None))
    assert desk.card.streams[0].ports[0].name == "headset"
    headset.plugged = False
    desk.pass_time(SILENT_S + 0.2)
    assert desk.told[-1] == "the sound is back"
    assert desk.card.streams[0].ports[0].name == "desk microphone"


def test_a_headset_that_changes_its_rate_in_mid_talk() -> None:
    """Bluetooth leaves its good profile as soon as the microphone is used: the streams die, the rate is another."""
    headset, speaker = Port("buds", "input", (48_000,)), Port("buds out", "output", (48_000,))
    desk = Desk(headset, speaker)
    desk.pass_time(1.0)
    headset.rates = speaker.rates = (16_000,)
    desk.card.streams[0].active = False
    desk.pass_time(0.1)
    assert desk.told[-1] == "the sound is back"
    heard, played = desk.pass_time(2.0)
    assert (desk.card.streams[0].settings["samplerate"], len(desk.card.streams)) == (16_000, 1)
    assert pitch(heard, SAMPLE_RATE) == pytest.approx(440, abs=3)
    assert pitch(played, 16_000) == pytest.approx(300, abs=3)


ONE_LINE = r"^[^\n]{20,200}\Z"


@pytest.mark.parametrize(
    ("ports", "broken", "said"),
    [
        ([SPEAKER], "", "there is no microphone"),
        ([MICROPHONE], "", "there is no loudspeaker"),
        ([Port("m", "input", (48_000,), channels=(4,)), SPEAKER], "", "the microphone takes no usual rate"),
        ([MICROPHONE, SPEAKER], "Error opening\nALSA lib confmisc.c:855", "set up wrongly: Error opening ALSA lib"),
    ],
)
def test_a_broken_configuration_is_one_line(ports: list[Port], broken: str, said: str) -> None:
    card = SoundCard(ports, broken=broken)
    with pytest.raises(ValueError, match=ONE_LINE) as caught:
        Device(card, (None if not broken else "m", None), AudioLine(SAMPLE_RATE), FakeClock(), print)
    assert said in str(caught.value)
    assert card.streams == []


def test_a_stream_that_cannot_be_opened_is_one_line_and_leaves_none_open() -> None:
    card = SoundCard([Port("m", "input", (16_000,)), Port("s", "output", (48_000,))])
    form = formats(card, (None, None))
    assert (form.rate, form.out_rate) == (16_000, 48_000)
    card.ports[1].rates = (44_100,)  # between the question and the opening
    with pytest.raises(ValueError, match=ONE_LINE):
        opened(card, AudioLine(SAMPLE_RATE), (None, None), form, lambda: None)
    assert card.streams == []


def test_a_sound_system_that_cannot_even_be_asked_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", SoundCard([], broken="Internal error\n-9986"))
    with pytest.raises(ValueError, match=r"set up wrongly \(Internal error -9986\); talk on files"):
        sound()
