"""Logs and pictures: what workers hand in, and what comes out again."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.integration.api import shapes
from tests.integration.api.shapes import fits
from tests.integration.api.talk import V3, Answer, Farm, Worker, eventually

NOBODY = "0d5c7f1a-0000-4000-8000-000000000001"
MOST_PICTURE_BYTES = 25 * 1024 * 1024


@pytest.fixture
def worker(farm: Farm) -> Worker:
    """A worker that is awake."""
    return farm.worker()


@pytest.fixture
def task(farm: Farm, worker: Worker) -> str:
    """A task in the worker's hands."""
    farm.submit()
    return str(worker.gets()["uuid"])


def tail_of(farm: Farm, task: str) -> bytes:
    """Return the end of a task's log."""
    answer = farm.ask("GET", f"{V3}/tasks/{task}/logtail").says(200)
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert len(answer.body) <= 2048
    return answer.body


def log_of(farm: Farm, task: str) -> bytes:
    """Return a task's whole log."""
    info = farm.get(f"/tasks/{task}/log")
    return farm.ask("GET", info["url"]).says(200).body


# --- logs


def test_a_task_nobody_began_has_no_log(farm: Farm) -> None:
    task = farm.tasks(farm.submit()["id"])[0]["id"]
    farm.ask("GET", f"{V3}/tasks/{task}/log").says(204)
    farm.ask("GET", f"{V3}/tasks/{task}/logtail").says(204)


def test_log_text_is_appended_and_its_last_line_completed(
    farm: Farm, worker: Worker, task: str
) -> None:
    for text in ("one", "two\n", "three\n\n", "vier → ü\nfive"):
        worker.report(task, log=text).says(204)
    assert log_of(farm, task).decode().endswith("one\ntwo\nthree\n\nvier → ü\nfive\n")
    assert tail_of(farm, task) == log_of(farm, task)


def test_the_log_says_where_it_is_and_how_long(farm: Farm, worker: Worker, task: str) -> None:
    worker.report(task, log="x" * 5000).says(204)
    info = fits(farm.get(f"/tasks/{task}/log"), shapes.LOG_INFO)
    job = farm.task(task)["job_id"]
    assert info["url"] == f"/job-files/job-{job[:4]}/{job}/task-{task}.txt"
    assert (info["task_id"], info["job_id"]) == (task, job)
    assert info["size"] == len(log_of(farm, task)) > 5000


def test_the_tail_of_a_long_log_begins_with_a_whole_line(
    farm: Farm, worker: Worker, task: str
) -> None:
    worker.report(task, log="".join(f"line {n}\n" for n in range(1000))).says(204)
    tail = tail_of(farm, task)
    assert tail.startswith(b"line ")
    assert tail.endswith(b"line 999\n")
    assert len(tail) > 2048 - len("line 999\n")
    assert log_of(farm, task).endswith(tail)


def test_the_tail_of_one_endless_line_is_its_end(farm: Farm, worker: Worker, task: str) -> None:
    worker.report(task, log="x" * 5000).says(204)
    assert tail_of(farm, task) == b"x" * 2047 + b"\n"


@pytest.mark.parametrize("before", range(4))
def test_the_tail_never_begins_inside_a_character(
    farm: Farm, worker: Worker, task: str, before: int
) -> None:
    worker.report(task, log="x" * before + "🎬" * 1000).says(204)
    assert set(tail_of(farm, task).decode()) == {"🎬", "\n"}


def test_a_chunk_that_arrives_twice_is_written_once(farm: Farm, worker: Worker, task: str) -> None:
    worker.report(task, log="only once").says(204)
    worker.report(task, log="only once", redelivered=True).says(204)
    worker.report(task, log="and this", redelivered=True).says(204)
    assert log_of(farm, task).count(b"only once") == 1
    assert log_of(farm, task).endswith(b"and this\n")


# --- files


def test_a_log_is_served_as_plain_text_with_ranges(farm: Farm, worker: Worker, task: str) -> None:
    worker.report(task, log="0123456789").says(204)
    url = farm.get(f"/tasks/{task}/log")["url"]
    whole = farm.ask("GET", f"{url}?1700000000000").says(200)
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Last-Modified" in whole.headers
    part = farm.ask("GET", url, headers={"Range": "bytes=-5"})
    assert (part.status, part.body) == (206, b"6789\n")
    assert part.headers["Content-Range"].startswith("bytes ")
    beyond = farm.ask("GET", url, headers={"Range": "bytes=100000-"})
    assert beyond.status == 416
    unchanged = {"If-Modified-Since": whole.headers["Last-Modified"]}
    assert farm.ask("GET", url, headers=unchanged).status == 304
    head = farm.ask("HEAD", url)
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "job-0d5c/0d5c7f1a-0000-4000-8000-000000000001/last-rendered.jpg",
        "job-0d5c/0d5c7f1a-0000-4000-8000-000000000001/task-0d5c7f1a-0000-4000-8000-000000000001.txt",
        "job-ffff/0d5c7f1a-0000-4000-8000-000000000001/last-rendered.jpg",
        "job-0d5c/0d5c7f1a-0000-4000-8000-000000000001/",
        "job-0d5c/0d5c7f1a-0000-4000-8000-000000000001",
        "job-0d5c",
        "../node.json",
        "..%2fnode.json",
        "%2e%2e/node.json",
        "%2e%2e%2fnode.json",
        "job-0d5c/../../node.json",
        "job-0d5c/..%2f..%2fnode.json",
        "..\\node.json",
        "..%5cnode.json",
        "%00",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "job-0d5c/0d5c7f1a-0000-4000-8000-000000000001/last-rendered.jpg%00.txt",
        "job-0d5c/0d5c7f1a-0000-4000-8000-000000000001/last-rendered.jpg%0a",
    ],
)
def test_nothing_but_logs_and_pictures_can_be_had(farm: Farm, path: str) -> None:
    farm.ask("GET", f"/job-files/{path}").says(404)


# --- pictures


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, kind)
    return file.getvalue()


def hand_in(worker: Worker, task: str, data: bytes, kind: str = "image/png") -> Answer:
    """Hand in a picture for the preview."""
    path = f"/worker/task/{task}/output-produced"
    return worker.call("POST", path, raw=data, headers={"Content-Type": kind})


def previews_of(farm: Farm, job: str) -> dict[str, tuple[int, int]]:
    """Return the sizes of a job's previews once they are there."""
    path = f"{V3}/jobs/{job}/last-rendered"
    eventually(lambda: farm.ask("GET", path).status == 200)
    info = fits(farm.ask("GET", path).json(), shapes.LAST_RENDERED)
    sizes = {}
    for suffix in info["suffixes"]:
        answer = farm.ask("GET", f"{info['base']}/{suffix}").says(200)
        assert answer.headers["Content-Type"] == "image/jpeg"
        with Image.open(io.BytesIO(answer.body)) as image:
            sizes[suffix] = image.size
    return sizes


@pytest.mark.parametrize(("kind", "name"), [("image/png", "PNG"), ("image/jpeg", "JPEG")])
def test_a_large_picture_comes_back_in_three_sizes(
    farm: Farm, worker: Worker, task: str, kind: str, name: str
) -> None:
    job = farm.task(task)["job_id"]
    farm.ask("GET", f"{V3}/jobs/{job}/last-rendered").says(204)
    hand_in(worker, task, picture(3840, 2160, name), kind).says(202)
    assert previews_of(farm, job) == {
        "last-rendered.jpg": (1920, 1080),
        "last-rendered-small.jpg": (600, 338),
        "last-rendered-tiny.jpg": (199, 112),  # made from the small one, with its proportions
    }
    (base,) = {farm.get(f"/jobs/{job}/last-rendered")["base"]}
    assert base == f"/job-files/job-{job[:4]}/{job}"


def test_a_small_picture_is_not_enlarged(farm: Farm, worker: Worker, task: str) -> None:
    hand_in(worker, task, picture(300, 100)).says(202)
    assert previews_of(farm, farm.task(task)["job_id"]) == {
        "last-rendered.jpg": (300, 100),
        "last-rendered-small.jpg": (300, 100),
        "last-rendered-tiny.jpg": (200, 67),
    }


def test_the_farms_newest_picture_is_the_last_jobs(own_farm: Farm) -> None:
    path = f"{V3}/jobs/last-rendered"
    own_farm.ask("GET", path).says(204)
    worker = own_farm.worker()
    for _ in range(2):
        job = own_farm.made_to_measure({})
        task = worker.gets()["uuid"]
        hand_in(worker, task, picture(20, 10)).says(202)
        eventually(lambda job=job: job in own_farm.ask("GET", path).body.decode())  # type: ignore[misc]
        worker.completes(task)


def test_a_picture_of_somebody_elses_task_is_taken(farm: Farm, task: str) -> None:
    hand_in(farm.worker("berta"), task, picture(20, 10)).says(202)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"", "image/png"), (b"x", "image/tiff"), (b"x", "text/plain"), (b"x", "application/json")],
)
def test_what_is_no_picture_is_refused(worker: Worker, task: str, data: bytes, kind: str) -> None:
    hand_in(worker, task, data, kind).says(400)


@pytest.mark.parametrize("broken", [b"x", picture(100, 100)[:-30], picture(100, 100)[:60]])
def test_a_broken_picture_changes_nothing(
    farm: Farm, worker: Worker, task: str, broken: bytes
) -> None:
    hand_in(worker, task, broken).says(202)
    hand_in(worker, task, picture(30, 20)).says(202)
    assert previews_of(farm, farm.task(task)["job_id"])["last-rendered.jpg"] == (30, 20)


def test_a_picture_of_an_unknown_task_is_not_found(worker: Worker) -> None:
    for task in (NOBODY, "nonsense"):
        hand_in(worker, task, picture(20, 10)).says(404)


def test_a_picture_is_at_most_25_mib(farm: Farm, worker: Worker, task: str) -> None:
    hand_in(worker, task, bytes(MOST_PICTURE_BYTES)).says(202)
    connection = farm.connect()
    connection.putrequest("POST", f"{V3}/worker/task/{task}/output-produced")
    for name, value in (worker.proof | {"Content-Type": "image/png"}).items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(MOST_PICTURE_BYTES + 1))
    connection.endheaders()
    response = connection.getresponse()
    Answer(response.status, response.headers, response.read()).says(413)


def test_a_picture_of_unsaid_length_is_measured_as_it_comes(
    farm: Farm, worker: Worker, task: str
) -> None:
    connection = farm.connect()
    headers = worker.proof | {"Content-Type": "image/png", "Transfer-Encoding": "chunked"}
    path = f"{V3}/worker/task/{task}/output-produced"
    connection.request("POST", path, iter([bytes(1 << 20)] * 25), headers, encode_chunked=True)
    response = connection.getresponse()
    Answer(response.status, response.headers, response.read()).says(202)


def test_more_pictures_than_can_be_made_smaller_are_declined(
    farm: Farm, worker: Worker, task: str
) -> None:
    large = picture(6000, 4000)
    answers = [hand_in(worker, task, large).status for _ in range(6)]
    assert answers[:3] == [202, 202, 202]
    assert 429 in answers
    eventually(lambda: hand_in(worker, task, picture(20, 10)).status == 202)
