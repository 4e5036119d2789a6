"""From a few words to a job, as far as no Blender is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flamenco_p2p.cli.submission import (
    Wish,
    check,
    hand_in,
    local_time_zone,
    output_folder,
    prepare,
)
from flamenco_p2p.client.answers import Job
from flamenco_p2p.client.errors import FarmSaid, FarmUnreachable
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.errors import Refused

ECHO = {
    "name": "echo-sleep-test",
    "etag": "e1",
    "settings": [
        {"key": "message", "type": "string", "required": True},
        {"key": "sleep_repeats", "type": "int32", "default": 1},
    ],
}
RENDER = {"name": "render", "settings": [{"key": "blendfile", "type": "string"}]}


async def no_programs() -> Any:
    raise AssertionError("nobody needs a Blender here")


async def test_a_job_without_a_scene_gets_typed_values_and_the_types_defaults() -> None:
    wish = Wish(file=None, job_type="echo-sleep-test", settings={"message": "hi"}, paused=True)
    job = await prepare(wish, None, ECHO, no_programs)
    assert job["settings"] == {"message": "hi", "sleep_repeats": 1}
    assert job["name"] == "echo-sleep-test"
    assert job["type_etag"] == "e1"
    assert job["initial_status"] == "paused"
    assert "blender" not in job


async def test_a_job_type_that_renders_a_file_is_refused_without_one() -> None:
    with pytest.raises(Refused, match=r"needs a \.blend"):
        await prepare(Wish(file=None, job_type="render"), None, RENDER, no_programs)


async def test_a_setting_the_job_type_does_not_have_is_refused() -> None:
    wish = Wish(file=None, job_type="echo-sleep-test", settings={"frames": "1-2"})
    with pytest.raises(Refused, match="message, sleep_repeats"):
        await prepare(wish, None, ECHO, no_programs)


@pytest.mark.parametrize("frames", ["1 10", "a-b", "9-1", "1-10000000", "1048575", ""])
def test_bad_frames_are_refused_before_anybody_is_asked(frames: str) -> None:
    with pytest.raises(Refused):
        check(Wish(file=Path("missing.blend"), job_type="any", settings={"frames": frames}))


def test_a_file_that_is_not_there_or_no_scene_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.blend"
    text.write_text("not a scene", encoding="utf-8")
    with pytest.raises(Refused, match="There is no file"):
        check(Wish(file=tmp_path / "missing.blend", job_type="any"))
    with pytest.raises(Refused, match="not a Blender file"):
        check(Wish(file=text, job_type="any"))
    with pytest.raises(Refused, match="cannot be read"):
        check(Wish(file=tmp_path, job_type="any"))


class Flaky(FarmClient):
    """Loses its answers `lost` times; remembers the keys."""

    def __init__(self, lost: int, error: Exception) -> None:
        super().__init__("http://127.0.0.1:1")
        self.lost, self.error, self.keys = lost, error, list[str | None]()

    async def submit_job(self, job: object, *, idempotency_key: str | None = None) -> Job:
        self.keys.append(idempotency_key)
        if len(self.keys) <= self.lost:
            raise self.error
        return Job(id="1", name="x", type="y", status="queued")


async def test_a_submission_whose_answer_is_lost_is_repeated_under_the_same_key() -> None:
    farm, said = Flaky(1, FarmUnreachable("http://x", "cut off")), list[str]()
    assert (await hand_in(farm, {}, said.append)).id == "1"
    assert len(farm.keys) == 2
    assert farm.keys[0] is not None
    assert farm.keys[0] == farm.keys[1]
    assert len(said) == 1


async def test_a_disk_that_stays_full_is_told_of_once() -> None:
    farm, said = Flaky(2, FarmSaid(503, "The disk is full.")), list[str]()
    await hand_in(farm, {}, said.append)
    assert said == ["The disk is full. Trying again."]


async def test_a_refused_submission_is_not_repeated() -> None:
    farm = Flaky(9, FarmSaid(400, "no"))
    with pytest.raises(FarmSaid):
        await hand_in(farm, {}, lambda _: None)
    assert len(farm.keys) == 1


def test_the_result_is_in_the_folder_of_the_frames() -> None:
    assert output_folder({"render_output_path": "/out/x/######"}) == "/out/x"
    assert output_folder({"message": "hi"}) is None


@pytest.mark.parametrize(
    ("value", "zone"),
    [("Europe/Berlin", "Europe/Berlin"), (":Asia/Tokyo", "Asia/Tokyo"), ("CET-1CEST", "")],
)
def test_the_time_zone_is_a_name_that_every_machine_knows(
    monkeypatch: pytest.MonkeyPatch, value: str, zone: str
) -> None:
    monkeypatch.setenv("TZ", value)
    assert local_time_zone() == zone
