"""What the server does, one line an event: readable, or as JSON."""

from __future__ import annotations

import datetime
import json
import logging
import sys
from typing import TextIO

log = logging.getLogger("agent")


def tell(event: str, **fields: object) -> None:
    """Log an event, such as `tell("session ended", session=id, reason="idle")`. Never give it tokens or speech."""
    log.info(event, extra={"fields": fields})


def warn(text: str) -> None:
    """Log what the operator should know and may want to change."""
    log.warning(text)


class Readable(logging.Formatter):
    """`12:30:05 session ended session=ab12 reason=idle`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback if there is one."""
        at = datetime.datetime.fromtimestamp(record.created)
        fields = "".join(f" {name}={value}" for name, value in vars(record).get("fields", {}).items())
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{at:%H:%M:%S} {level}{record.getMessage()}{fields}{trace}"


class JsonLines(logging.Formatter):
    """`{"at": "2030-01-01T12:30:05.123+00:00", "level": "info", "event": "session ended", "session": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        at = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc).isoformat(timespec="milliseconds")
        content = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        content |= vars(record).get("fields", {})
        if record.exc_info:
            content["trace"] = self.formatException(record.exc_info)
        return json.dumps(content, default=str, ensure_ascii=False)


def start_logging(as_json: bool, stream: TextIO | None = None) -> logging.Handler:
    """Send the package's events to a stream, standard error if None; returns the handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Readable())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return handler
