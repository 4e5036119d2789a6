"""The program as a person uses it: real processes, a real node, real Blender.

Each test has a node of its own in a data folder of its own, on a free port of this machine.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from flamenco_p2p import __version__
from tests.integration.terminal import LIMIT_S, ORRERY, Farm, read_until

ECHO = ("submit", "--type", "echo-sleep-test", "--set", "message=hello")


def test_a_node_says_who_and_where_it_is_and_what_it_renders_with(farm: Farm) -> None:
    said = "".join(farm.first_words)
    assert "node “anna” of the farm “Flamenco”" in said
    assert (farm.data_dir / "address").read_text().strip() in said
    assert str(farm.data_dir) in said
    assert "Blender" in said
    assert "FFmpeg" in said
    assert "is taken" not in said
    assert (farm.data_dir / "flamenco-p2p.toml").is_file()


def test_a_node_stops_in_an_orderly_way_on_either_signal(stopped: Farm) -> None:
    for how in (signal.SIGTERM, signal.SIGINT):
        stopped.start("--no-worker")
        status, said = stopped.stop(how)
        assert status == 0
        assert said.splitlines()[-1] == "The node has stopped."
        assert not (stopped.data_dir / "address").exists()


def test_a_busy_port_is_said_and_another_one_used(farm: Farm, tmp_path: Path) -> None:
    port = (farm.data_dir / "address").read_text().strip().rpartition(":")[2]
    second = Farm(tmp_path / "second")
    second.folder.mkdir()
    try:
        second.start("--no-worker", "--port", port)
        assert f"port {port} is taken" in "".join(second.first_words)
    finally:
        second.stop()


def test_a_second_node_with_the_same_folder_is_refused_in_a_sentence(farm: Farm) -> None:
    said = farm.run("--host", "127.0.0.1", "--port", "0", expect=2).stderr
    assert said.startswith("A node is running already")
    assert len(said.splitlines()) == 1


def test_wrong_settings_are_said_and_do_not_keep_the_node_from_starting(stopped: Farm) -> None:
    stopped.data_dir.mkdir()
    (stopped.data_dir / "flamenco-p2p.toml").write_text('colour = "red"\nport = "many"\n')
    stopped.start("--no-worker")
    said = "".join(stopped.first_words)
    assert "colour" in said
    assert "'many' is not a whole number" in said


def test_without_a_node_every_command_says_how_to_start_one(stopped: Farm) -> None:
    stopped.data_dir.mkdir()
    (stopped.data_dir / "address").write_text("http://127.0.0.1:1\n")
    for arguments in (("jobs",), ("status",), ECHO, ("cancel", "last"), ("log", "last")):
        said = stopped.run(*arguments, expect=2).stderr
        assert said.startswith("No node is running here. Start one with `flamenco-p2p`")


def test_the_version_is_said(stopped: Farm) -> None:
    assert stopped.run("--version").stdout == f"flamenco-p2p {__version__}\n"


def test_a_job_is_submitted_watched_listed_and_its_log_read(farm: Farm) -> None:
    done = farm.run(*ECHO, "--name", "greeting", "--wait")
    assert "greeting is completed" in done.stdout
    assert "2 of 2 tasks" in done.stderr

    [job] = json.loads(farm.run("jobs", "--json").stdout)["jobs"]
    assert (job["name"], job["status"], job["tally"]["done"]) == ("greeting", "completed", 2)
    tasks = json.loads(farm.run("tasks", "greeting", "--json").stdout)["tasks"]
    assert [task["name"] for task in tasks] == ["echo", "sleep"]
    assert "hello" in farm.run("log", "greeting/echo").stdout
    assert "completed" in farm.run("log", "last", "--follow").stdout
    assert json.loads(farm.run("log", "last/1", "--json").stdout)["status"] == "completed"

    [worker] = json.loads(farm.run("workers", "--json").stdout)["workers"]
    assert worker["name"] == "anna"
    assert worker["blenders"]
    assert json.loads(farm.run("status", "--json").stdout)["jobs"] == {"completed": 1}
    types = json.loads(farm.run("job-types", "--json").stdout)["job_types"]
    assert "simple-blender-render" in [one["name"] for one in types]
    for arguments in (("jobs",), ("workers",), ("status",), ("tasks", "last"), ("job-types",)):
        assert farm.run(*arguments).stdout


def test_a_job_is_paused_resumed_moved_cancelled_requeued_and_deleted(farm: Farm) -> None:
    long = ("--set", "sleep_duration_seconds=600", "--set", "sleep_repeats=2", "--name", "long")
    farm.run(*ECHO, *long, "--paused")
    assert "is paused, as it was" in farm.run("pause", "long").stdout
    assert "has priority 80 (was 50)" in farm.run("priority", "long", "80").stdout
    assert "(was paused)" in farm.run("resume", "last").stdout
    assert "is cancel" in farm.run("cancel", "last").stdout
    farm.run("requeue", "long")
    assert "sleep is canceled" in farm.run("cancel", "--task", "last/2").stdout
    assert "sleep is" in farm.run("requeue", "--task", "last/2").stdout
    farm.run("delete", "long", expect=1)  # nobody answers the question
    deleted = json.loads(farm.run("delete", "long", "--yes", "--json").stdout)["jobs"]
    assert len(deleted) == 1


@pytest.mark.blender
def test_wrong_input_is_a_sentence_and_status_2_and_leaves_no_job(farm: Farm) -> None:
    (farm.folder / "notes.blend").write_text("no scene")
    for arguments, words in (
        (("submit", "missing.blend"), "There is no file"),
        (("submit", "notes.blend"), "not a Blender file"),
        (("submit",), "needs a .blend"),
        (("submit", "--type", "dance"), "no job type “dance”. It has: echo-sleep-test"),
        (("submit", str(ORRERY), "--frames", "9-1"), "smaller number first"),
        (("submit", str(ORRERY), "--frames", "1-10000000"), "10,000,000 frames"),
        (("submit", str(ORRERY), "--set", "scene=Nowhere"), "It has: Scene."),
        ((*ECHO, "--set", "sleep_repeats=often"), "whole number"),
        (("submit", "--type", "echo-sleep-test"), "message"),
        (("tasks", "nothing"), "There is no job"),
        (("cancel",), "Which job?"),
    ):
        said = farm.run(*arguments, expect=2).stderr
        assert words in said
        assert len(said.splitlines()) == 1
    assert json.loads(farm.run("jobs", "--json").stdout) == {"jobs": []}


def test_whoever_waits_is_told_how_to_cancel_when_leaving(farm: Farm) -> None:
    job = (*ECHO, "--set", "sleep_duration_seconds=600", "--wait")
    with farm.running(*job) as waiting:
        read_until(waiting, "1 of 2 tasks")
        waiting.send_signal(signal.SIGINT)
        said, _ = waiting.communicate(timeout=LIMIT_S)
        assert waiting.returncode == 130
        assert "flamenco-p2p cancel " in said
    assert "is cancel" in farm.run("cancel", "last").stdout


def test_waiting_survives_a_killed_node_that_comes_back_at_another_address(farm: Farm) -> None:
    with farm.running(*ECHO, "--set", "sleep_repeats=3", "--wait") as waiting:
        read_until(waiting, "1 of 4 tasks")
        farm.stop(signal.SIGKILL)
        read_until(waiting, "waiting for the farm to come back")
        farm.start()
        said, _ = waiting.communicate(timeout=LIMIT_S)
        assert waiting.returncode == 0, said
        assert "is completed" in said


def test_a_log_is_followed_until_its_task_ends(farm: Farm) -> None:
    farm.run(*ECHO, "--paused")
    with farm.running("log", "last", "--follow") as following:
        read_until(following, "echo, paused")
        farm.run("resume", "last")
        said, _ = following.communicate(timeout=LIMIT_S)
        assert following.returncode == 0
        assert 'echo: "hello"' in said
        assert "completed" in said


@pytest.mark.blender
def test_a_scene_is_rendered_with_the_values_blender_gives(farm: Farm) -> None:
    output = farm.folder / "out"
    done = farm.run(
        *("submit", str(ORRERY), "--frames", "3", "--output", str(output), "--wait", "--json")
    )
    job = json.loads(done.stdout)
    assert job["status"] == "completed"
    assert job["settings"]["format"] == "PNG"
    assert job["blender"]["newer_allowed"] is True
    folder = Path(job["settings"]["render_output_path"]).parent
    assert [path.name for path in folder.glob("*.png")] == ["000003.png"]
    assert [path.suffix for path in folder.glob("*.mp4")] == [".mp4"]


@pytest.mark.blender
def test_a_failed_job_says_why_shows_the_log_and_has_status_1(farm: Farm) -> None:
    done = farm.run(
        *("submit", str(ORRERY), "--frames", "1", "--set", "format=NOTHING", "--wait"),
        *("--output", str(farm.folder / "out")),
        expect=1,
    )
    assert "does not know the render format" in done.stderr
    assert "Error: Format from" in done.stderr
    assert "flamenco-p2p log " in done.stdout


@pytest.mark.blender
def test_the_demo_renders_keeps_its_frames_and_leaves_nothing_running(stopped: Farm) -> None:
    keep = stopped.folder / "kept"
    done = stopped.run("demo", "--frames", "1-2", "--keep", str(keep), "--json")
    result = json.loads(done.stdout)
    assert result["status"] == "completed"
    assert [Path(frame).name for frame in result["frames"]] == ["000001.png", "000002.png"]
    assert Path(result["video"]).stat().st_size > 0
    assert keep in Path(result["video"]).parents
    assert list(stopped.folder.iterdir()) == [keep]
