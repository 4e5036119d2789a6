"""The farm's API from outside, for people: one method per route.

Is: jobs, tasks, workers, and what happens, seen through any node. Is not: a worker's own calls
(worker_client), or any memory between two calls. Ids are canonical UUID texts. Everything raises
`FarmUnreachable`, `FarmSaid` or `StrangeAnswer`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from flamenco_p2p.client.answers import FarmVersion, Job, TaskLog
from flamenco_p2p.client.connection import Connection, as_json
from flamenco_p2p.client.server_events import EventReader

_SUBMIT_LIMIT_S: Final = 120.0  # a job of 100,000 tasks, on a slow machine

AnyJson = dict[str, Any]


class FarmClient:
    """To be used as `async with FarmClient("http://127.0.0.1:8080") as farm`."""

    def __init__(self, url: str) -> None:
        self._node = Connection(url)

    async def __aenter__(self) -> Self:
        await self._node.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._node.__aexit__(kind, error, trace)

    async def version(self) -> FarmVersion:
        """Who answers here."""
        answer = await self._node.call("GET", "/api/v3/version")
        return answer.must_be(200).read_as(FarmVersion)

    async def farm_status(self) -> str:
        """The farm in one word."""
        return str((await self._read("/api/v3/status"))["status"])

    async def cluster(self) -> AnyJson:
        """The nodes, and which of them manages the farm."""
        return await self._read("/api/p2p/v1/cluster")

    # Job types

    async def job_types(self) -> list[AnyJson]:
        """All job types, by name."""
        return list((await self._read("/api/v3/jobs/types"))["job_types"])

    async def job_type(self, name: str) -> AnyJson:
        """One job type with its settings."""
        return await self._read(f"/api/v3/jobs/type/{quote(name, safe='')}")

    # Jobs

    async def submit_job(
        self, job: bytes | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Job:
        """Hand in a job. With the same key, a UUID, a second try does not make a second job."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        answer = await self._node.call(
            "POST", "/api/v3/jobs", body=_body(job), headers=headers, limit_s=_SUBMIT_LIMIT_S
        )
        return answer.must_be(200).read_as(Job)

    async def jobs(self) -> list[AnyJson]:
        """All jobs, oldest first."""
        return list((await self._read("/api/v3/jobs"))["jobs"])

    async def job(self, job: str) -> Job:
        """One job."""
        return (await self._node.call("GET", f"/api/v3/jobs/{job}")).must_be(200).read_as(Job)

    async def job_tasks(self, job: str) -> list[AnyJson]:
        """The tasks of a job, in its order, without their commands."""
        return list((await self._read(f"/api/v3/jobs/{job}/tasks"))["tasks"])

    async def set_job_status(self, job: str, status: str, reason: str) -> None:
        """Ask for `cancel-requested`, `pause-requested` or `requeueing`."""
        await self._write(f"/api/v3/jobs/{job}/setstatus", {"status": status, "reason": reason})

    async def set_job_priority(self, job: str, priority: int) -> None:
        """0 to 100; the higher one goes first."""
        await self._write(f"/api/v3/jobs/{job}/setpriority", {"priority": priority})

    async def delete_job(self, job: str) -> None:
        """Ask for the removal of a job; it vanishes a little later."""
        (await self._node.call("DELETE", f"/api/v3/jobs/{job}")).must_be(204)

    # Tasks

    async def task(self, task: str) -> AnyJson:
        """One task, with its commands and who failed it."""
        return await self._read(f"/api/v3/tasks/{task}")

    async def set_task_status(self, task: str, status: str, reason: str) -> None:
        """Ask for `queued` or `canceled`."""
        await self._write(f"/api/v3/tasks/{task}/setstatus", {"status": status, "reason": reason})

    async def task_log_tail(self, task: str) -> str:
        """The last lines of a task's log, some 2 kB; empty if there is none."""
        answer = await self._node.call("GET", f"/api/v3/tasks/{task}/logtail")
        return answer.must_be(200, 204).body.decode("utf-8", "replace")

    async def task_log(self, task: str) -> TaskLog | None:
        """Where the whole log is; `None` if there is none."""
        answer = (await self._node.call("GET", f"/api/v3/tasks/{task}/log")).must_be(200, 204)
        return None if answer.status == 204 else answer.read_as(TaskLog)

    async def download(self, url: str) -> AsyncGenerator[bytes, None]:
        """Yield a log or a picture, by its `url` on the same node, chunk by chunk."""
        async with self._node.stream(url) as chunks:
            async for chunk in chunks:
                yield chunk

    # Workers

    async def workers(self) -> list[AnyJson]:
        """All workers."""
        return list((await self._read("/api/v3/worker-mgt/workers"))["workers"])

    async def worker(self, worker: str) -> AnyJson:
        """One worker, with its task and tags."""
        return await self._read(f"/api/v3/worker-mgt/workers/{worker}")

    async def request_worker_status(self, worker: str, status: str, *, lazy: bool) -> None:
        """Ask a worker to change; `lazy`: once its task is done."""
        wanted = {"status": status, "is_lazy": lazy}
        await self._write(f"/api/v3/worker-mgt/workers/{worker}/setstatus", wanted)

    # What happens

    async def events(self, topics: Iterable[str]) -> AsyncGenerator[tuple[str, AnyJson], None]:
        """Yield (event name, its data) as things happen, until the node ends the stream.

        Use it as `async with aclosing(farm.events(…)) as events` if you leave early.
        """
        wanted = quote(",".join(topics), safe=",")
        reader = EventReader(self._node.url)
        async with self._node.stream(f"/api/p2p/v1/events?topics={wanted}") as chunks:
            async for chunk in chunks:
                for event in reader.feed(chunk):
                    yield event

    async def _read(self, path: str) -> AnyJson:
        return (await self._node.call("GET", path)).must_be(200).read_as(AnyJson)

    async def _write(self, path: str, wanted: AnyJson) -> None:
        (await self._node.call("POST", path, body=as_json(wanted))).must_be(204)


def _body(job: bytes | Mapping[str, Any]) -> bytes:
    return job if isinstance(job, bytes) else as_json(job)
