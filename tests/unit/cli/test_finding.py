"""What people may write for a node, a job, a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flamenco_p2p.cli.finding import Where, find_job, find_task, reached
from flamenco_p2p.client.errors import FarmUnreachable
from flamenco_p2p.client.farm_client import FarmClient
from flamenco_p2p.farm.errors import Refused

OLD = "01a209b1-5dea-73b8-856d-e61c4e000000"
NEW = "01a209b2-5587-71a8-b752-af7df7000000"


class FarmOnPaper(FarmClient):
    """Answers from lists, without a network."""

    async def jobs(self) -> list[dict[str, Any]]:
        return [{"id": OLD, "name": "orrery"}, {"id": NEW, "name": "moon"}]

    async def job_tasks(self, job: str) -> list[dict[str, Any]]:
        return [
            {"id": f"{job[:30]}{no:06x}", "name": name, "index_in_job": no}
            for no, name in enumerate(("render-1", "render-2", "video"), start=1)
        ]


@pytest.fixture
def farm() -> FarmClient:
    return FarmOnPaper("http://127.0.0.1:1")


@pytest.mark.parametrize("text", ["last", "moon", NEW, "01a209b2", NEW.upper()])
async def test_a_job_is_found_by_name_by_the_beginning_of_its_id_or_as_the_last(
    farm: FarmClient, text: str
) -> None:
    assert (await find_job(farm, text))["id"] == NEW


async def test_what_could_be_two_jobs_is_refused_with_both_named(farm: FarmClient) -> None:
    with pytest.raises(Refused, match=f"{OLD}.*{NEW}"):
        await find_job(farm, "01a2")


@pytest.mark.parametrize("text", ["", "sun", "09b2"])
async def test_what_no_job_is_called_is_refused(farm: FarmClient, text: str) -> None:
    with pytest.raises(Refused, match="There is no job"):
        await find_job(farm, text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("orrery/2", f"{OLD[:30]}000002"),
        ("orrery/render-2", f"{OLD[:30]}000002"),
        ("video", f"{NEW[:30]}000003"),
        ("last/video", f"{NEW[:30]}000003"),
        (f"{OLD[:30]}000003", f"{OLD[:30]}000003"),
    ],
)
async def test_a_task_is_found_in_its_job_by_number_or_name_or_by_its_id(
    farm: FarmClient, text: str, found: str
) -> None:
    task, job = await find_task(farm, text)
    assert task["id"] == found
    assert job["id"][:30] == found[:30]


@pytest.mark.parametrize("text", ["last/9", "render-7"])
async def test_what_no_task_is_called_is_refused(farm: FarmClient, text: str) -> None:
    with pytest.raises(Refused, match="There is no task"):
        await find_task(farm, text)


def test_the_node_here_is_where_its_data_folder_says(tmp_path: Path) -> None:
    assert Where(tmp_path).url() == "http://127.0.0.1:8080"
    (tmp_path / "address").write_text("http://127.0.0.1:8123\n", encoding="utf-8")
    assert Where(tmp_path).url() == "http://127.0.0.1:8123"
    assert Where(tmp_path, "http://anna:8080").url() == "http://anna:8080"


async def test_without_a_node_one_is_told_to_start_one(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    (tmp_path / "address").write_text(f"http://127.0.0.1:{unused_tcp_port}", encoding="utf-8")
    with pytest.raises(Refused, match="Start one with `flamenco-p2p`"):
        async with reached(Where(tmp_path)):
            pass


async def test_a_node_that_was_named_and_does_not_answer_is_named_again(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(FarmUnreachable, match=url):
        async with reached(Where(tmp_path, url)):
            pass
