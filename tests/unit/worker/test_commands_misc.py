"""What `exec`, `echo`, `sleep` and unknown commands do, and how parameters are read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from flamenco_p2p.worker.commands import CommandFailed, run_command
from flamenco_p2p.worker.commands.misc import _duration
from flamenco_p2p.worker.commands.parameters import Parameters, printed, quoted
from tests.unit.worker.recorder import Recorder


async def failure(name: str, parameters: Mapping[str, Any], around: Recorder | None = None) -> str:
    with pytest.raises(CommandFailed) as failed:
        await run_command(name, parameters, around or Recorder())
    return str(failed.value)


async def test_an_unknown_command_is_named() -> None:
    assert await failure("dance", {}) == 'unknown command: "dance"'


@pytest.mark.parametrize(
    ("values", "items"),
    [
        ({"args": ["a", 47, 0.327, True, 24.0]}, ["a", "47", "0.327", "true", "24"]),
        ({}, []),
    ],
)
def test_c85_a_list_of_arguments_is_read_item_by_item(
    values: dict[str, Any], items: list[str]
) -> None:
    assert Parameters("exec", values).texts("args") == items


@pytest.mark.parametrize("value", [None, "-b", {"a": 1}])
def test_c85_what_is_no_list_is_refused(value: object) -> None:
    with pytest.raises(CommandFailed, match="cannot convert to list of strings"):
        Parameters("exec", {"args": value}).texts("args")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<nil>"),
        (False, "false"),
        (23.976023976023978, "23.976023976023978"),
        (1234567, "1234567"),
        (1e6, "1000000"),
        (0.00001, "0.00001"),
        (-2.5, "-2.5"),
        (["n", 1], "[n 1]"),
        ({"b": 1, "a": 2}, "map[a:2 b:1]"),
        ("as is", "as is"),
    ],
)
def test_values_are_printed_as_flamenco_prints_them(value: object, text: str) -> None:
    assert printed(value) == text


async def test_c98_the_exit_code_is_told() -> None:
    around = Recorder()
    text = await failure("exec", {"exe": "sh", "args": ["-c", "exit 3"]}, around)
    assert text == "command exited abnormally with code 3"
    assert around.started == around.ended


async def test_c98_a_signal_counts_as_code_minus_one() -> None:
    text = await failure("exec", {"exe": "sh", "args": ["-c", "kill -9 $$"]})
    assert text == "command exited abnormally with code -1"


async def test_exec_logs_what_it_runs_and_each_line_with_the_process_id() -> None:
    around = Recorder()
    await run_command("exec", {"exe": "echo", "args": ["a b", 24.0]}, around)
    pid = around.started[0]
    assert around.lines == ["going to run:", "", "    echo 'a b' 24", "", f"pid={pid} > a b 24"]


async def test_exec_needs_a_program() -> None:
    text = await failure("exec", {"args": ["x"]})
    assert text == 'exec: mandatory parameter "exe" is missing: map[args:[x]]'


async def test_exec_says_which_program_is_not_there() -> None:
    text = await failure("exec", {"exe": "no-such-program"})
    assert "no-such-program" in text
    assert "executable file not found in $PATH" in text


async def test_cancelling_exec_ends_the_program() -> None:
    around = Recorder()
    running = asyncio.Task(run_command("exec", {"exe": "sleep", "args": [1000]}, around))
    await around.first_start.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert around.ended == around.started


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("понављај за мном", 'echo: "понављај за мном"'),
        (None, 'echo: "<nil>"'),
        (24.0, 'echo: "24"'),
        ('say "hi"\n\x00', r'echo: "say \"hi\"\n\x00"'),
    ],
)
async def test_c89_echo_logs_its_message_in_quotes(message: object, line: str) -> None:
    around = Recorder()
    await run_command("echo", {"message": message}, around)
    assert around.lines == [line]


async def test_echo_needs_a_message() -> None:
    assert await failure("echo", {}) == 'echo: mandatory parameter "message" is missing: map[]'


def test_what_nobody_can_see_is_escaped() -> None:
    assert quoted("a\u00a0b\u200b\t\\\U000e0001") == r'"a\u00a0b\u200b\t\\\U000e0001"'


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (47, "47s"), (90, "1m30s"), (3600, "1h0m0s"), (100_000, "27h46m40s")],
)
def test_c90_durations_are_told_in_hours_minutes_and_seconds(seconds: int, text: str) -> None:
    assert _duration(seconds) == text


@pytest.mark.parametrize("seconds", [0, 0.5, -0.5])
async def test_c90_fractions_of_a_second_are_cut_off(seconds: float) -> None:
    around = Recorder()
    await run_command("sleep", {"duration_in_seconds": seconds}, around)
    assert around.lines == ["slept 0s"]


@pytest.mark.parametrize(
    ("value", "says"),
    [(-47, "cannot be negative"), ("1", "bad type"), (True, "bad type"), (None, "bad type")],
)
async def test_c90_sleep_refuses_what_is_no_duration(value: object, says: str) -> None:
    assert says in await failure("sleep", {"duration_in_seconds": value})
