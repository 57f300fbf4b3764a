"""Running a command line: a user's mistake is one line on standard error and exit status 2, never a traceback."""

from __future__ import annotations

import signal
import sys

import typer

# typer imports click or carries its own, by version; either way this is the class of all usage errors
UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]
STOPPED = 130  # exit status after Ctrl-C, as shells have it
RESUMING = {"generate", "import", "export", "tokenize", "teach"}  # commands that go on where they were stopped


def run(app: typer.Typer, name: str) -> None:
    """Run a command and exit: 0, 2 for a mistake (ValueError, OSError, bad usage), 130 when stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = app(args=sys.argv[1:] or ["--help"], prog_name=name, standalone_mode=False) or 0
        if status == STOPPED:  # what some versions of typer make of Ctrl-C
            raise KeyboardInterrupt
        sys.exit(status)
    except (KeyboardInterrupt, typer.Abort) as error:
        print(f"{name}: stopped{f'; {how}' if (how := str(error) or _how_to_go_on()) else ''}", file=sys.stderr)
        sys.exit(STOPPED)
    except (ValueError, OSError, UsageProblem) as error:
        describe = getattr(error, "format_message", error.__str__)
        print(f"{name}: {' '.join(describe().split())}", file=sys.stderr)
        sys.exit(2)


def _how_to_go_on() -> str:
    """What is said of a command that was stopped and says nothing itself; nothing where it would begin anew."""
    return "the same command resumes" if RESUMING.intersection(sys.argv[1:2]) else ""
