"""`kill -9` of the node in the middle of a render: it goes on where it was."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from functools import partial
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.integration.api.talk import eventually
from tests.integration.terminal import LIMIT_S, ORRERY, Farm

FRAMES = 6
KILLED_AFTER = (2, 4)  # frames: within the first task, and within the second


def whole(path: Path) -> bool:
    """Whether an image is there to its last row."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError):  # the latter for a PNG that is torn in certain places
        return False
    return True


def finished(folder: Path) -> dict[str, int]:
    """Frames that are whole, with the instant at which each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.png") if whole(path)}


def there_are(number: int, folder: Path) -> bool:
    return len(finished(folder)) >= number


def programs_at_work(folder: Path) -> list[str]:
    """Command lines of programs that render into this folder."""
    lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(folder) in line and "--render-output" in line]


@pytest.mark.blender
def test_a_node_killed_twice_while_rendering_renders_no_frame_again(farm: Farm) -> None:
    frames = farm.folder / "frames"
    job = ("--frames", f"1-{FRAMES}", "--set", "chunk_size=3", "--output", str(frames), "--wait")
    seen: dict[str, int] = {}
    with farm.running("submit", str(ORRERY), *job) as waiting:
        for number in KILLED_AFTER:
            eventually(partial(there_are, number, frames), LIMIT_S)
            seen |= finished(frames)
            farm.stop(signal.SIGKILL)
            farm.start()
        said, _ = waiting.communicate(timeout=LIMIT_S)
        assert waiting.returncode == 0, said

    in_the_end = finished(frames)
    assert len(seen) >= max(KILLED_AFTER)
    assert len(in_the_end) == FRAMES
    assert in_the_end | seen == in_the_end
    assert not programs_at_work(frames)
    tasks = json.loads(farm.run("tasks", "last", "--json").stdout)["tasks"]
    assert {task["status"] for task in tasks} == {"completed"}
    logs = [farm.run("log", task["id"]).stdout for task in tasks]
    saved = Counter(re.findall(r"Saved: '(.+)'", "".join(logs)))
    assert set(saved.values()) == {1}
    assert re.search(rf"frame= *{FRAMES} ", logs[-1]), "the video has another length"
    for log in logs:
        assert log.count("assigned to worker") == 1
        assert log.rstrip().endswith("active → completed")
