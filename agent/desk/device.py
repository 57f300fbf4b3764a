"""The devices of a talk that goes on: watched, told about when they die, opened again, the same or others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from .line import AudioLine
from .microphone import pick_device
from .streams import Chosen, Streams, formats, one_line, opened

SILENT_S = 0.7  # without anything from the microphone: it is dead, whatever its driver says
AGAIN_S = 1.0  # between two tries


class Device:
    """A microphone and a loudspeaker behind a line. `look` is to be called often."""

    def __init__(
        self,
        module: Any,
        wanted: tuple[str | None, str | None],
        line: AudioLine,
        clock: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        """Open the devices.

        Args:
            module: `sounddevice`.
            wanted: microphone and loudspeaker as the user named them, None for the computer's own choice.
            line: is tuned to them, now and when they change.
            clock: seconds.
            tell: takes a line for the user.

        Raises:
            ValueError: they cannot be had; one line.
        """
        self.module, self.wanted, self.line = module, wanted, line
        self._clock, self._tell = clock, tell
        self._beat = clock()
        self._tried = clock()
        self._streams: Streams | None = self._open(self._chosen(strict=True))

    def look(self) -> None:
        """Notice what died, within a second, and try to open it or another again."""
        now = self._clock()
        if self._streams is not None:
            if self._streams.active and now - self._beat < SILENT_S:
                return
            self._streams.close()
            self._streams = None
            self._tell("the sound device has gone; looking for another")
        elif now - self._tried < AGAIN_S:
            return
        self._tried = now
        try:
            self._refresh()
            self._streams = self._open(self._chosen(strict=False))
        except ValueError:
            return  # told already; the next try is in a second
        self._tell("the sound is back")

    def close(self) -> None:
        """Let go of the devices."""
        if self._streams is not None:
            self._streams.close()

    def _open(self, chosen: Chosen) -> Streams:
        streams = opened(self.module, self.line, chosen, formats(self.module, chosen), self._heard)
        self._beat = self._clock()
        return streams

    def _heard(self) -> None:
        self._beat = self._clock()

    def _chosen(self, strict: bool) -> Chosen:
        """The devices as they are numbered now; where one is gone and it need not be that one, the default."""
        found: list[int | None] = []
        for wanted, way in zip(self.wanted, ("input", "output"), strict=True):
            try:
                found.append(pick_device(list(self.module.query_devices()), wanted, way))
            except self.module.PortAudioError as error:
                raise ValueError(f"the sound of this computer is set up wrongly: {one_line(error)}") from None
            except ValueError:
                if strict:
                    raise
                found.append(None)
        return found[0], found[1]

    def _refresh(self) -> None:
        """PortAudio knows the devices of its start: what was plugged in since shows after another start."""
        with contextlib.suppress(Exception):  # whatever its backend comes to while a device is going
            self.module._terminate()
        try:
            self.module._initialize()
        except self.module.PortAudioError as error:
            raise ValueError(f"no sound: {error}") from None
