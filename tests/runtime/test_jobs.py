"""Jobs: one at a time, heard by everybody from the first line on."""

from __future__ import annotations

import asyncio

import pytest

from calve.core.errors import ConfigError
from calve.runtime.jobs import Job, JobFailed, Jobs


async def heard(job: Job) -> list[str]:
    return [line async for line in job.follow()]


async def test_everybody_hears_everything() -> None:
    go_on, log = asyncio.Event(), list[str]()

    async def work(job: Job) -> None:
        job.say("one")
        await go_on.wait()
        job.say("two")
        job.say("three")

    jobs, job = Jobs(), Job("counting", lambda text, level: log.append(text))
    jobs.begin(job, work)
    early = asyncio.ensure_future(heard(job))
    await asyncio.sleep(0)
    late = asyncio.ensure_future(heard(job))
    with pytest.raises(ConfigError, match="the counting is under way"):
        jobs.begin(Job("another", print), work)
    go_on.set()
    assert await early == await late == await heard(job) == log == ["one", "two", "three"]
    assert job.error is None
    jobs.begin(Job("another", lambda text, level: None), work)
    await jobs.cancel()


async def test_a_failure_is_kept_and_logged() -> None:
    log: list[tuple[str, str]] = []

    async def work(job: Job) -> None:
        raise JobFailed("no luck")

    job = Job("trying", lambda text, level: log.append((level, text)))
    await job.run(work)
    assert await heard(job) == []
    assert str(job.error) == "no luck"
    assert log == [("warning", "trying: no luck")]


async def test_a_job_that_is_given_up_says_so() -> None:
    async def work(job: Job) -> None:
        await asyncio.Event().wait()

    jobs, job = Jobs(), Job("waiting", print)
    jobs.begin(job, work)
    await asyncio.sleep(0)
    await jobs.cancel()
    assert str(job.error) == "the run is stopping"
    assert job.done
