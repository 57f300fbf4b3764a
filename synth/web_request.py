"""A request to a web server, tried again while the server is busy, failing or away."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # s between tries
MOST_BYTES = 200_000_000  # of an answer


class RefusedRequestError(ValueError):
    """The server will never accept this request.

    Attributes:
        status: of HTTP.
        body: the start of what it said.
    """

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body}".strip())
        self.status = status
        self.body = body


class UnansweredError(ValueError):
    """The server gave no answer after all tries."""


@dataclass(frozen=True)
class Patience:
    """How long to keep trying: seconds for one answer, tries after the first, and what waits between them."""

    timeout: float = 120.0
    retries: int = 5
    sleep: Callable[[float], None] = time.sleep


def require_server(address: str, headers: Mapping[str, str], timeout: float) -> None:
    """Raise UnansweredError unless something answers a GET of the address in time, be it with an error status."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, None, dict(headers)), timeout=timeout).close()
    except urllib.error.HTTPError as error:
        error.close()
    except (OSError, HTTPException) as error:
        raise UnansweredError(f"nothing answers at {address}: {getattr(error, 'reason', error)}") from None


def fetch(address: str, body: bytes | None, headers: Mapping[str, str], patience: Patience) -> bytes:
    """GET an address, or POST `body` to it.

    A 429, a 5xx, a time-out and a broken connection are waited out: as long as `Retry-After` says, at most a minute,
    or else twice as long each time.

    Raises:
        RefusedRequestError: any other error status.
        UnansweredError: no answer after all tries, in one line.
    """
    wait, problem = FIRST_WAIT, ""
    for attempt in range(patience.retries + 1):
        if attempt:
            patience.sleep(min(wait, LONGEST_WAIT))
            wait *= 2
        request = urllib.request.Request(address, body, dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=patience.timeout) as answer:
                return bytes(answer.read(MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                told = " ".join(error.read(400).decode(errors="replace").split())
            if error.code != 429 and error.code < 500:
                raise RefusedRequestError(error.code, told) from None
            problem = f"{error.code} {told}"
            wait = _retry_after(error.headers.get("Retry-After"), wait)
        except TimeoutError:
            problem = f"no answer within {patience.timeout:g} s"
        except (OSError, HTTPException) as error:
            problem = str(getattr(error, "reason", error))
    tries = f"{patience.retries + 1} times, the last time" if patience.retries else "once"
    raise UnansweredError(f"{address} failed {tries}: {problem}")


def _retry_after(value: str | None, default: float) -> float:
    """The seconds that a Retry-After header asks for, as a number or a date; `default` if it says neither."""
    if value and value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value or "").timestamp() - time.time())
    except (ValueError, TypeError):
        return default
