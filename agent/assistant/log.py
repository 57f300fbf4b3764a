"""What an assistant did and why, one JSON object a line: `{"at": 3.2, "kind": "think", "text": "what time is it"}`."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from ..live.frame_out import FrameOut
from ..live.talk_events import Happening


class HappeningLog:
    """A file of events being written, line by line; None writes nothing. `at` is seconds of the user's sound."""

    def __init__(self, path: Path | None) -> None:
        """Open it. A path that cannot be written raises ValueError."""
        try:
            self._file = None if path is None else path.open("w", encoding="utf-8")
        except OSError as error:
            raise ValueError(f"cannot write the events {path}: {error}") from None

    def heed(self, out: FrameOut) -> None:
        """Write down what happened in a frame."""
        if self._file is None:
            return
        for event in out.events:
            if isinstance(event, Happening):
                line = {"at": round(event.at, 2), "kind": event.kind, "text": event.text}
                self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
                self._file.flush()

    def __enter__(self) -> HappeningLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
