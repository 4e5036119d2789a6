"""Who calls a manager: submitters, and workers that only pretend to work.

Is: Flamenco's requests, one method each. Is not: what is measured. A worker asks with a long poll
(`Prefer: wait=…`); a manager that does not know it answers at once, and is asked again every
`POLL_S`, so its figures contain half of that on average.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import Any

from tests.bench.http import Answer, Connection, Failed

POLL_S = 0.005
LONG_POLL_S = 30
TASK_TYPES = ["blender", "ffmpeg", "file-management", "misc"]


class Submitter:
    """Somebody with jobs."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)

    async def submit(
        self, job_type: str, settings: dict[str, Any], *, priority: int = 50, key: str = ""
    ) -> dict[str, Any]:
        """Submit a job; return what the manager says it is. `key`: an id of this submission."""
        job = {
            "name": "bench", "type": job_type, "priority": priority, "settings": settings,
            "metadata": {"project": "bench"}, "submitter_platform": "linux",
        }  # fmt: skip
        header = f"Idempotency-Key: {key}\r\n" if key else ""
        answer = await self._connection.ask("POST", "/api/v3/jobs", job, header, within_s=300)
        found: dict[str, Any] = answer.json()
        return found

    async def sleeps(self, count: int, *, priority: int = 50, key: str = "") -> str:
        """Submit a job of one echo and then `count` sleeps; return its id."""
        settings = {"message": "bench", "sleep_duration_seconds": 0, "sleep_repeats": count}
        job = await self.submit("echo-sleep-test", settings, priority=priority, key=key)
        return str(job["id"])

    async def frames(self, count: int, *, priority: int = 50) -> str:
        """Submit a job that renders so many frames and makes a video; return its id."""
        settings = {
            "frames": f"1-{count}", "chunk_size": 1, "render_output_root": "/render",
            "render_output_path": "/render/{timestamp}/######", "blendfile": "/bench.blend",
            "fps": 24.0, "format": "PNG", "image_file_extension": ".png", "has_previews": False,
            "scene": "Scene",
        }  # fmt: skip
        job = await self.submit("simple-blender-render", settings, priority=priority)
        return str(job["id"])

    async def get(self, path: str) -> Any:
        """Return what is at a path of the API."""
        return (await self._connection.ask("GET", path)).json()

    async def cancel(self, job: str) -> None:
        """Cancel a job, unless it has ended already."""
        wish = {"status": "cancel-requested", "reason": "bench"}
        await self._connection.ask("POST", f"/api/v3/jobs/{job}/setstatus", wish)

    async def delete(self, job: str) -> None:
        """Ask for a job to be deleted."""
        await self._connection.ask("DELETE", f"/api/v3/jobs/{job}")

    async def is_there(self, job: str) -> bool:
        """Say whether the manager still knows a job."""
        return (await self._connection.ask("GET", f"/api/v3/jobs/{job}")).status == 200

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class PretendedWorker:
    """A worker that does nothing, quickly. It has one task at a time."""

    def __init__(self, url: str, name: str) -> None:
        self._connection = Connection(url)
        self._name = name
        self._headers = ""
        self.id = ""

    async def arrive(self) -> None:
        """Register, sign on and be awake."""
        secret = secrets.token_hex(32)
        body: dict[str, Any] = {
            "name": self._name, "secret": secret, "platform": "linux",
            "supported_task_types": TASK_TYPES,
        }  # fmt: skip
        registered = await self._connection.ask("POST", "/api/v3/worker/register-worker", body)
        self.id = registered.json()["uuid"]
        encoded = base64.b64encode(f"{self.id}:{secret}".encode()).decode()
        self._headers = f"Authorization: Basic {encoded}\r\n"
        sign_on = {
            "name": self._name, "software_version": "bench", "supported_task_types": TASK_TYPES
        }  # fmt: skip
        (await self._ask("POST", "sign-on", sign_on)).json()
        await self._done("state-changed", {"status": "awake"})

    async def next_task(self, wait_s: int = 0) -> dict[str, Any] | None:
        """Ask for a task; None if there is none (after `wait_s`, if the manager can wait)."""
        header = f"Prefer: wait={wait_s}\r\n" if wait_s else ""
        answer = await self._ask("POST", "task", None, header)
        if answer.status == 204:
            if wait_s and b"preference-applied" not in answer.head:
                await asyncio.sleep(POLL_S)
            return None
        task: dict[str, Any] = answer.json()
        return task

    async def wait_for_task(self) -> dict[str, Any]:
        """Return the next task, however long it takes."""
        while (task := await self.next_task(LONG_POLL_S)) is None:
            pass
        return task

    async def complete(self, task: dict[str, Any]) -> None:
        """Report a task as done."""
        update = {"taskStatus": "completed", "activity": "done"}
        if attempt := task.get("attempt"):
            update["attempt"] = attempt
        await self._done(f"task/{task['uuid']}", update)

    async def leave(self) -> None:
        """Sign off and close the connection."""
        await self._done("sign-off", None)
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def _done(self, what: str, body: Any) -> None:
        answer = await self._ask("POST", what, body)
        if answer.status != 204:
            raise Failed(answer.status, answer.body)

    async def _ask(self, method: str, what: str, body: Any, headers: str = "") -> Answer:
        path = f"/api/v3/worker/{what}"
        return await self._connection.ask(method, path, body, self._headers + headers)
