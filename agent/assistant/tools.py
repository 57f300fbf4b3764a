"""Tools of an assistant: the public functions of a Python file, described to the mind by signature and docstring.

    def weather(town: str, days: int = 1) -> str:
        '''Tell the weather of a town.

        town: its name
        days: how many days ahead
        '''

What a function returns is told to the mind: text as it is, anything else as JSON. An exception and a result that does
not come in time are told, too: the mind then says so, and the talk goes on.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError, create_model

from corpus.strict import told

from .parts import Tool, ToolCall
from .work import Executor

TIMEOUT = 20.0  # s until a tool is given up
LONGEST_RESULT = 4000  # characters that a mind is told
AT_ONCE = 4  # tools that run at the same time
_PARAMETER = re.compile(r"^\s*(\w+)\s*(?:\([^)]*\))?:\s+(.+)$")


def load_tools(path: Path) -> tuple[Tool, ...]:
    """The tools of a Python file: its own public functions, in order; the file is run for it.

    Raises:
        ValueError: the file cannot be read or run, or a function cannot be described; the message names it.
    """
    module = _run(path)
    tools = [
        tool_of(function, str(path))
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]
    if not tools:
        raise ValueError(f"{path} has no public function: each one is a tool")
    return tuple(tools)


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_of_{path.stem}", path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise ValueError(f"there is no Python file {path} with tools")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever its author did
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {_line(error)}") from None
    return module


def tool_of(function: Callable[..., object], where: str) -> Tool:
    """A function as a tool. Raises ValueError for one without a docstring or with a parameter that JSON cannot give."""
    name, text = function.__name__, inspect.getdoc(function) or ""
    if not text:
        raise ValueError(f"{where}: {name} has no docstring: it tells the mind what the tool is for")
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError) as error:
        raise ValueError(f"{where}: {name}: {error}") from None
    described = {match[1]: match[2].strip() for line in text.splitlines() if (match := _PARAMETER.match(line))}
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ValueError(f"{where}: {name} takes *{parameter.name}; name each parameter")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, str), default)
    try:
        schema = create_model(name, **fields).model_json_schema()
    except Exception as error:  # pydantic raises several kinds for types it does not know
        raise ValueError(f"{where}: {name} has a parameter that JSON cannot give: {_line(error)}") from None
    properties = schema.get("properties", {})
    for parameter_name, shape in properties.items():
        shape.pop("title", None)
        if parameter_name in described:
            shape["description"] = described[parameter_name]
    schema.pop("title", None)
    lines = [line for line in text.splitlines() if not ((match := _PARAMETER.match(line)) and match[1] in fields)]
    return Tool(name, " ".join(" ".join(lines).split()), {"properties": {}, **schema}, function)


class ToolRun:
    """A call at work."""

    def __init__(self, call: ToolCall) -> None:
        self.call = call
        self._result: str | None = None
        self._lock = threading.Lock()

    def result(self) -> str | None:
        """What to tell the mind; None while the tool works."""
        return self._result

    def settle(self, result: str) -> None:
        """Take the first result there is; a tool that was given up may come late."""
        with self._lock:
            if self._result is None:
                self._result = result


class Toolbox:
    """Runs the tools that a mind calls, each in a thread of its own; a session's or shared.

    Args:
        tools: what can be called here; one without a function is somebody else's.
        executor: gives the lane `tool`.
        timeout: s until a tool is given up.
    """

    def __init__(self, tools: Sequence[Tool], executor: Executor, timeout: float = TIMEOUT) -> None:
        self.tools = tuple(tools)
        self._known = {tool.name: tool for tool in tools}
        self._timeout = timeout
        self._lane = executor.lane("tool", AT_ONCE)

    def call(self, call: ToolCall) -> ToolRun:
        """Begin a call. Unknown tools and wrong arguments give a result that says so."""
        run, tool = ToolRun(call), self._known.get(call.name)
        if tool is None or tool.function is None:
            run.settle(f"Error: there is no tool {call.name!r}; there are {', '.join(self._known) or 'none'}.")
            return run
        try:
            arguments = read_arguments(tool, call.arguments)
        except ValueError as error:
            run.settle(f"Error: {error}")
            return run
        job = self._lane.submit(self._work(run, tool.function, arguments), lambda error: run.settle(_failed(error)))
        if job is None:
            run.settle("Error: too many tools are at work.")
        return run

    def _work(self, run: ToolRun, function: Callable[..., object], arguments: Mapping[str, Any]) -> Iterator[None]:
        over = threading.Event()

        def work() -> None:
            try:
                run.settle(as_text(function(**arguments)))
            except Exception as error:  # a user's function may raise anything
                run.settle(_failed(error))
            over.set()

        threading.Thread(target=work, name=f"tool-{run.call.name}", daemon=True).start()
        deadline = time.monotonic() + self._timeout
        if not over.wait(max(0.0, deadline - time.monotonic())):  # it cannot be stopped, only left alone
            run.settle(f"Error: {run.call.name} gave no answer within {self._timeout:g} seconds.")
        yield


def read_arguments(tool: Tool, text: str) -> dict[str, Any]:
    """What a mind wrote, checked and converted to the function's types. Raises ValueError in one line."""
    assert tool.function is not None, "only a tool of ours has its arguments read"
    hints = get_type_hints(tool.function)
    parameters = inspect.signature(tool.function).parameters
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise ValueError(f"the arguments of {tool.name} are not valid JSON") from None
    if not isinstance(given, dict):
        raise ValueError(f"the arguments of {tool.name} must be an object")
    if unknown := [name for name in given if name not in parameters]:
        raise ValueError(f"{tool.name} takes no {unknown[0]!r}; it takes {', '.join(parameters) or 'nothing'}")
    if missing := [n for n, p in parameters.items() if p.default is p.empty and n not in given]:
        raise ValueError(f"{tool.name} needs {missing[0]!r}")
    arguments = {}
    for name, value in given.items():
        kind = hints.get(name, str)
        try:
            arguments[name] = TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            raise ValueError(f"{tool.name}: {name}: {told(error, kind)}") from None
    return arguments


def as_text(result: object) -> str:
    """What a tool returned, as a mind is told it."""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_RESULT else text[:LONGEST_RESULT] + " ..."


def _failed(error: Exception) -> str:
    return f"Error: {type(error).__name__}: {_line(error)}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
