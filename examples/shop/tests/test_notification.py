"""Notification: every message once, in order, also for those who watch."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from calve.testing import App
from shop.notification.contract import Notice, Notification

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def notification(app: App) -> Notification:
    """A stub of notification."""
    return app.get(Notification)


async def tell(notification: Notification, customer: UUID, *texts: str) -> None:
    """Leave messages, one after the other."""
    for text in texts:
        await notification.notify(uuid4(), customer, text)


def texts(notices: tuple[Notice, ...]) -> list[str]:
    """What the messages say."""
    return [notice.text for notice in notices]


async def test_messages_come_in_order_and_only_to_their_customer(notification: Notification) -> None:
    ada, bob = uuid4(), uuid4()
    await tell(notification, ada, "one", "two")
    await tell(notification, bob, "three")
    assert texts(await notification.notices(ada)) == ["one", "two"]
    assert texts(await notification.notices(bob)) == ["three"]


async def test_the_same_notice_is_one_message(notification: Notification) -> None:
    customer, notice = uuid4(), uuid4()
    for _ in range(2):
        await notification.notify(notice, customer, "once")
    assert [n.id for n in await notification.notices(customer)] == [notice]


async def test_reading_on_from_a_number(notification: Notification) -> None:
    customer = uuid4()
    await tell(notification, customer, "one", "two", "three")
    first = await notification.notices(customer, limit=1)
    assert texts(first) == ["one"]
    assert texts(await notification.notices(customer, after=first[-1].number)) == ["two", "three"]


async def test_who_watches_sees_old_and_new_messages(notification: Notification) -> None:
    customer = uuid4()
    await tell(notification, customer, "old")
    stream = aiter(notification.watch(customer))
    assert (await anext(stream)).text == "old"
    coming = asyncio.ensure_future(anext(stream))
    await tell(notification, uuid4(), "for somebody else")
    await tell(notification, customer, "new", "newer")
    assert (await coming).text == "new"
    assert (await anext(stream)).text == "newer"


async def test_watching_again_goes_on_where_it_stopped(notification: Notification) -> None:
    customer = uuid4()
    await tell(notification, customer, "one", "two")
    seen = await anext(aiter(notification.watch(customer)))
    await tell(notification, customer, "three")
    stream = aiter(notification.watch(customer, after=seen.number))
    assert [(await anext(stream)).text for _ in range(2)] == ["two", "three"]
