"""The Beats input in this process, where a test can be the pipeline behind it."""

import asyncio
import contextlib

import pytest

from logstash_py import Pipeline
from logstash_py.inputs import beats

from .conftest import free_port
from .lumberjack_client import window_of
from .running import intake as new_intake

CONFIG = 'input { beats { host => "127.0.0.1" port => %d %s } }'


@contextlib.asynccontextmanager
async def listening(options: str = "enrich => []", batch_size: int = 100):
    """(reader, writer, intake) of one connection to an input of its own."""
    port = free_port()
    (input_,) = Pipeline.from_text(CONFIG % (port, options)).inputs
    intake = new_intake(batch_size)
    task = asyncio.create_task(input_.run(intake))
    async with asyncio.timeout(10):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except ConnectionError:
                await asyncio.sleep(0.01)
        yield reader, writer, intake
    writer.close()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch) -> None:
    """Most tests here never store what they take."""
    monkeypatch.setattr(beats, "LINGER", 0.01)


def sequence(ack: bytes) -> int:
    assert ack[:2] == b"2A"
    return int.from_bytes(ack[2:], "big")


@pytest.mark.asyncio
async def test_a_slow_window_is_kept_alive_until_it_is_acknowledged(monkeypatch) -> None:
    monkeypatch.setattr(beats, "KEEP_ALIVE", 0.05)
    async with listening() as (reader, writer, intake):
        writer.write(window_of([{"message": "a"}, {"message": "b"}]))
        batch = await intake.batch()
        assert [sequence(await reader.readexactly(6)) for _ in range(3)] == [0, 0, 0]
        batch.finish()
        while (number := sequence(await reader.readexactly(6))) == 0:
            pass
        assert number == 2


@pytest.mark.asyncio
async def test_acknowledgements_keep_the_order_of_the_windows() -> None:
    async with listening(batch_size=2) as (reader, writer, intake):
        writer.write(window_of([{"n": 1}, {"n": 2}]) + window_of([{"n": 3}]))
        first, second = await intake.batch(), await intake.batch()
        second.finish()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.1)
        first.finish()
        assert [sequence(await reader.readexactly(6)) for _ in range(2)] == [2, 1]


@pytest.mark.asyncio
async def test_a_busy_pipeline_stops_its_senders() -> None:
    async with listening(batch_size=2) as (_, writer, intake):
        one = window_of([{"message": "x" * 100_000}], compress=False)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                writer.write(one)
                await asyncio.wait_for(writer.drain(), 0.3)
                sent += 1
                assert sent < 2_000, "everything was read though nothing was taken"
        assert intake.events_in <= 4


@pytest.mark.asyncio
async def test_enrichment_is_as_in_logstash() -> None:
    async with listening(options='tags => ["t"] add_field => { "[a][b]" => "c" }') as (_, writer, intake):
        writer.write(window_of([{"message": "m", "@timestamp": "2025-02-02T12:34:56.123Z"}]))
        (event,) = (await intake.batch()).events
        assert event == {
            "message": "m",
            "@timestamp": "2025-02-02T12:34:56.123Z",
            "@version": "1",
            "event": {"original": "m"},
            "tags": ["t", "beats_input_codec_plain_applied"],
            "a": {"b": "c"},
            "@metadata": {"input": {"beats": {"host": {"ip": "127.0.0.1"}}}},
        }


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("options", "sent", "expected"),
    [
        # What the Beat says of `event` is kept beside the text.
        ("", {"message": "m", "event": {"module": "x"}}, {"event": {"module": "x", "original": "m"}}),
        ("", {"message": 5}, {"message": "5"}),
        ("", {"line": "old"}, {"message": "old", "line": None}),
        ("", {"metric": 1}, {"tags": ["beats_input_raw_event"], "event": None}),
        ("enrich => none", {"message": "m"}, {"tags": None, "event": None, "@metadata": {}}),
        ("enrich => source_metadata codec => plain", {"message": "m"}, {"tags": None, "event": {"original": "m"}}),
        ("ecs_compatibility => disabled", {"message": "m"}, {"@metadata": {"ip_address": "127.0.0.1"}}),
        ("codec => json", {"message": '{"a":{"b":1}}', "a": {"c": 2}}, {"a": {"b": 1, "c": 2}, "message": None}),
        ("codec => json enrich => none", {"message": "no"}, {"message": "no", "tags": ["_jsonparsefailure"]}),
        ('type => "t" tags => ["a"] add_field => { "x" => "%{message}" }', {"message": "m"}, {"type": "t", "x": "m"}),
        ('type => "t"', {"message": "m", "type": "own"}, {"type": "own"}),
    ],
)
async def test_events_are_as_the_plugin_makes_them(options: str, sent: dict, expected: dict) -> None:
    async with listening(options=options) as (_, writer, intake):
        writer.write(window_of([sent]))
        (event,) = (await intake.batch()).events
        assert {key: event.get(key) for key in expected} == expected


@pytest.mark.asyncio
async def test_the_bytes_of_a_window_are_given_back_when_it_is_stored() -> None:
    async with listening() as (reader, writer, intake):
        writer.write(window_of([{"message": "x" * 10_000}]) + window_of([{"n": 1}], compress=False)[:-3])
        batch = await intake.batch()
        assert intake.budget.held > 10_000
        batch.finish()
        await reader.readexactly(6)
        assert 0 < intake.budget.held < 100
        writer.close()
        async with asyncio.timeout(5):
            while intake.budget.held:
                await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_a_silent_connection_is_closed() -> None:
    async with listening(options="client_inactivity_timeout => 0.1") as (reader, _, _):
        assert await reader.read() == b""
