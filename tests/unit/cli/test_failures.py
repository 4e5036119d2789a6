"""What happens when a command fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from flamenco_p2p.cli import main
from flamenco_p2p.cli.failures import KEPT_IN, Commands
from flamenco_p2p.cli.finding import data_dir_option
from flamenco_p2p.farm.errors import Refused


def group(command: Callable[[], None]) -> click.Group:
    @click.group(cls=Commands)
    @click.option("--debug", is_flag=True)
    @data_dir_option()
    def program(*, debug: bool) -> None:
        pass

    program.command("go")(command)
    return program


def refuse() -> None:
    raise ExceptionGroup("of a task group", [Refused("It is not there.", remedy="Look again.")])


def stumble() -> None:
    raise KeyError("oops")


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_refusal_is_one_sentence_with_its_remedy_and_status_2() -> None:
    result = CliRunner().invoke(group(refuse), ["go"])
    assert result.exit_code == 2
    assert result.stderr == "It is not there. Look again.\n"


def test_whatever_a_refusal_begins_with_its_sentence_begins_with_a_capital() -> None:
    def go() -> None:
        raise Refused("invalid range.")

    assert CliRunner().invoke(group(go), ["go"]).stderr == "Invalid range.\n"


def test_a_fault_of_ours_is_a_sentence_that_says_where_the_details_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(group(stumble), ["--data-dir", str(tmp_path), "go"])
    assert result.exit_code == 70
    assert "Traceback" not in result.stderr
    details = tmp_path / "logs" / KEPT_IN
    assert str(details) in result.stderr
    assert "oops" in details.read_text(encoding="utf-8")


def test_whoever_debugs_gets_the_traceback(tmp_path: Path) -> None:
    result = CliRunner().invoke(group(stumble), ["--debug", "--data-dir", str(tmp_path), "go"])
    assert "Traceback" in result.stderr


def test_an_interrupted_command_ends_with_status_130() -> None:
    assert CliRunner().invoke(group(interrupt), ["go"]).exit_code == 130


@pytest.mark.parametrize("arguments", [["nonsense"], ["priority", "last", "101"], ["submit", "-x"]])
def test_a_wrong_command_line_has_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize("command", list(main.commands))
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_the_help_says_how_names_complete() -> None:
    help_text = CliRunner().invoke(main, ["--help"]).stdout
    assert "_FLAMENCO_P2P_COMPLETE=bash_source" in help_text


def test_shipped_job_types_complete_without_a_node(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main,
        env={
            "_FLAMENCO_P2P_COMPLETE": "bash_complete",
            "COMP_WORDS": "flamenco-p2p --manager http://127.0.0.1:1 submit --type si",
            "COMP_CWORD": "5",
        },
        prog_name="flamenco-p2p",
    )
    assert result.stdout.split() == ["plain,simple-blender-render", "plain,single-image-render"]
