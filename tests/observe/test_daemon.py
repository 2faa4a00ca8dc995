"""Blocking work beside the loop: its result, its errors, its end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from calve.observe.daemon import in_daemon_thread


async def test_it_runs_elsewhere_and_says_that_it_ended() -> None:
    where: list[threading.Thread] = []
    assert await in_daemon_thread(lambda: where.append(threading.current_thread()), 5.0, what="spans")
    assert where[0] is not threading.main_thread()
    assert where[0].daemon


async def test_what_it_raises_is_logged_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    assert not await in_daemon_thread(lambda: 1 / 0, 5.0, what="spans")
    assert "spans could not be exported" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_thread_that_outlives_its_loop_is_no_error() -> None:
    go, threads = threading.Event(), list[threading.Thread]()

    def late() -> None:
        threads.append(threading.current_thread())
        go.wait(30)

    asyncio.run(in_daemon_thread(late, 0.01, what="spans"))
    go.set()
    threads[0].join()  # an exception in the thread would fail the test as an unhandled one


async def test_a_cancellation_that_arrives_with_the_result_is_not_lost() -> None:
    async def again_and_again() -> None:
        while True:
            await in_daemon_thread(lambda: None, 5.0, what="spans")

    for turns in range(200):
        running = asyncio.create_task(again_and_again())
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=10)
        assert done
        assert running.cancelled()
