"""Servers as Ray actors: each serves, one that is lost is replaced and written into haproxy's configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from agent.commands.serve import serve
from agent.serve.haproxy import configuration
from agent.serve.replicas import Replicas, serve_replicas
from agent.serve.server import Server
from tests.support.agent_server import SILENCE, next_json, next_sound

ray = pytest.importorskip("ray", reason="needs the extra 'ray'")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def parrot() -> tuple[Server, Callable[[], None]]:
    from tests.support.agent_server import ParrotBatch, a_server_object

    return a_server_object(ParrotBatch()), lambda: None


def broken() -> tuple[Server, Callable[[], None]]:
    raise ValueError("no such model")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield
        ray.shutdown()


async def talk(address: str) -> None:
    async with aiohttp.ClientSession() as client, client.ws_connect(f"http://{address}/ws/pcm") as line:
        await next_json(line, "session")
        await line.send_bytes(SILENCE)
        await next_sound(line)


def test_a_replica_that_is_lost_is_replaced(tmp_path: Path) -> None:
    replicas, told, looks = Replicas(parrot, 2, "local"), [], []
    file = tmp_path / "haproxy.cfg"

    def stopping() -> bool:
        looks.append(list(replicas.addresses))
        if len(looks) == 1:
            assert file.read_text() == configuration("127.0.0.1", 8998, replicas.addresses)
            for address in replicas.addresses:
                asyncio.run(talk(address))
            ray.kill(replicas.placed[0].actor)
        return replicas.addresses != looks[0]

    try:
        serve_replicas(replicas, file, "127.0.0.1", 8998, lambda event, **fields: told.append(event), stopping)
        assert told == ["replicas", "replicas lost and started anew", "replicas"]
        assert looks[0][1] in replicas.addresses
        assert len(replicas.addresses) == 2
        text = file.read_text()
        assert looks[0][0] not in text
        for address in replicas.addresses:
            assert f" {address} cookie " in text
            asyncio.run(talk(address))
    finally:
        replicas.stop()


def test_what_keeps_a_server_from_beginning_is_said() -> None:
    with pytest.raises(ValueError, match=r"a server cannot begin: no such model \(on the node"):
        Replicas(broken, 1, "local")
    with pytest.raises(ValueError, match="listen on the cluster's network: give --auth-token"):
        serve(port=0, ray="auto")
    with pytest.raises(ValueError, match="TLS is its matter"):
        serve(port=0, ray="local", tls=Path("self"))
