"""Our routes answer while the host's own handlers have taken all of the server's threads."""

import threading

import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI

from lora_trainer.api import PREFIX, add_routes

WAITING = 100


@pytest.fixture
def crowded(desk):
    """An application as the host's: a plain handler that waits for a lock that is not let go."""
    app, lock = FastAPI(), threading.Event()

    @app.get("/txt2img")
    def wait_for_the_lock():
        lock.wait(60)
        return {}

    add_routes(app, desk)
    return app, lock


def test_with_100_requests_waiting_for_the_host_ours_are_answered(crowded, dataset):
    app, lock = crowded

    async def scene():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            async with anyio.create_task_group() as others:
                for _ in range(WAITING):
                    others.start_soon(lambda: client.get("/txt2img", timeout=60))
                await anyio.sleep(0.5)
                limiter = anyio.to_thread.current_default_thread_limiter()
                taken = limiter.borrowed_tokens == limiter.total_tokens
                try:
                    with anyio.fail_after(10):
                        answers = [
                            await client.get(f"{PREFIX}/state"),
                            await client.post(f"{PREFIX}/jobs/nothing/stop"),
                            await client.get(f"{PREFIX}/datasets/{dataset}/thumbs/0.png"),
                        ]
                finally:
                    lock.set()
            return taken, [answer.status_code for answer in answers]

    assert anyio.run(scene) == (True, [200, 404, 200])


def test_controls_do_not_wait_behind_long_checks_of_many_pictures(crowded, desk, monkeypatch):
    app, lock = crowded
    monkeypatch.setattr(desk.forecaster, "summary", lambda config: lock.wait(60))

    async def scene():
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            async with anyio.create_task_group() as others:
                for _ in range(20):
                    others.start_soon(lambda: client.post(f"{PREFIX}/check", json={"values": {}}, timeout=60))
                await anyio.sleep(0.5)
                try:
                    with anyio.fail_after(10):
                        answer = await client.post(f"{PREFIX}/jobs/nothing/stop")
                finally:
                    lock.set()
            return answer.status_code

    assert anyio.run(scene) == 404
