"""Small projects with tests of their own, to be run with the recorder: text that is written to a folder.

`SECRETS` are values that their statements and parameters hold; none may be in a trace.
"""

from __future__ import annotations

from audit_projects import Files

SECRETS = ("Ann Sesame", "hush-hush", "tok_4711", "letmein")

DJANGO: Files = {
    "shop/__init__.py": "",
    "shop/settings.py": """
        SECRET_KEY = "letmein"
        INSTALLED_APPS = ["django.contrib.contenttypes", "shop.users", "shop.orders", "shop.stock"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        ROOT_URLCONF = "shop.urls"
        DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
        ALLOWED_HOSTS = ["*"]
    """,
    "shop/users/__init__.py": "",
    "shop/users/models.py": """
        from django.db import models


        class Customer(models.Model):
            name = models.CharField(max_length=50)
    """,
    "shop/stock/__init__.py": "",
    "shop/stock/models.py": """
        from django.db import models


        class Item(models.Model):
            count = models.IntegerField()

            class Meta:
                db_table = "stock_items"
    """,
    "shop/orders/__init__.py": "",
    "shop/orders/models.py": """
        from django.db import models


        class Order(models.Model):
            customer = models.ForeignKey("users.Customer", on_delete=models.CASCADE)
            items = models.ManyToManyField("stock.Item")
            note = models.CharField(max_length=99)
    """,
    "shop/orders/services.py": """
        from django.db import connection, transaction

        from shop.orders.models import Order
        from shop.stock.models import Item


        @transaction.atomic
        def place(customer, item_id, note):
            order = Order.objects.create(customer=customer, note=note)
            take(order, item_id)
            return order


        def take(order, item_id):
            found = type(order).items.rel.model.objects.get(pk=item_id)
            found.count -= 1
            found.save()
            order.items.add(found)


        def cancel(pk):
            with transaction.atomic():
                with transaction.atomic():
                    Order.objects.filter(pk=pk).update(note="hush-hush from users_customer")


        def report():
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 'from stock_items' /* tok_4711 */ FROM orders_order WHERE note = 'letmein'")


        def fail():
            with transaction.atomic():
                Item.objects.all().delete()
                raise ValueError("hush-hush")


        def tidy():
            with transaction.atomic():
                Item.objects.filter(count=0).delete()
    """,
    "shop/urls.py": """
        from django.http import JsonResponse
        from django.urls import path
        from django.views import View

        from shop.orders.models import Order
        from shop.orders.services import place
        from shop.stock.models import Item
        from shop.users.models import Customer


        class Orders(View):
            def get(self, request):
                return JsonResponse({"count": Order.objects.count()})

            def post(self, request):
                place(Customer.objects.first(), Item.objects.first().pk, request.headers["token"])
                return JsonResponse({})


        async def ping(request):
            return JsonResponse({"count": await Item.objects.acount()})


        urlpatterns = [path("orders/", Orders.as_view()), path("ping/", ping)]
    """,
    "conftest.py": """
        import os

        import django
        import pytest

        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        django.setup()


        @pytest.fixture(scope="session", autouse=True)
        def database():
            from django.db import connection
            from django.test.utils import setup_test_environment

            setup_test_environment()
            connection.creation.create_test_db(verbosity=0)
    """,
    "tests/test_shop.py": """
        import os
        import subprocess
        import sys

        import pytest
        from django.test import TestCase

        from shop.orders import services
        from shop.stock.models import Item
        from shop.users.models import Customer


        class ShopTest(TestCase):
            def setUp(self):
                self.customer = Customer.objects.create(name="Ann Sesame")
                self.item = Item.objects.create(count=5)

            def test_place(self):
                services.place(self.customer, self.item.pk, "hush-hush")
                order = services.place(self.customer, self.item.pk, "hush-hush")
                services.cancel(order.pk)
                services.report()

            def test_failure(self):
                with pytest.raises(ValueError):
                    services.fail()

            def test_views(self):
                assert self.client.post("/orders/", headers={"token": "tok_4711"}).status_code == 200
                assert self.client.get("/orders/").status_code == 200
                assert self.client.get("/ping/").status_code == 200


        def test_another_process():
            code = (
                "import conftest, os; from django.db import connection; "
                "connection.creation.create_test_db(verbosity=0); "
                "from shop.orders import services; services.tidy(); os._exit(0)"
            )
            subprocess.run([sys.executable, "-c", code], check=True)


        @pytest.mark.skipif("FAIL" not in os.environ, reason="only when it is to fail")
        def test_that_fails():
            os._exit(7)
    """,
}

SQLALCHEMY: Files = {
    "bank/__init__.py": "",
    "bank/models.py": """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase): ...


        class Account(Base):
            __tablename__ = "accounts"
            id: Mapped[int] = mapped_column(primary_key=True)
            owner: Mapped[str]
            cents: Mapped[int]


        class Entry(Base):
            __tablename__ = "entries"
            id: Mapped[int] = mapped_column(primary_key=True)
            account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
            cents: Mapped[int]
    """,
    "bank/ledger.py": """
        from sqlalchemy import select, text, update

        from bank.models import Account, Entry


        def book(session, account_id, cents):
            account = session.get(Account, account_id)
            session.add(Entry(account_id=account.id, cents=cents))
            account.cents += cents
            session.commit()


        def block(make_session):
            with make_session.begin() as session:
                with session.begin_nested():
                    session.execute(update(Account).where(Account.owner == "hush-hush").values(cents=0))


        def core(engine):
            with engine.begin() as connection:
                connection.execute(text("DELETE FROM entries WHERE cents = 4711 -- tok_4711"))


        async def later(session):
            found = (await session.execute(select(Account).where(Account.owner == "Ann Sesame"))).scalars().all()
            session.add(Entry(account_id=found[0].id, cents=1))
            await session.commit()
    """,
    "bank/web.py": """
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        from bank import ledger


        def entries(request):
            ledger.book(request.app.state.session, 1, 5)
            return PlainTextResponse("booked")


        app = Starlette(routes=[Route("/entries", entries)])
    """,
    "tests/test_bank.py": """
        import asyncio

        import pytest
        from sqlalchemy import create_engine
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
        from sqlalchemy.orm import Session, sessionmaker
        from sqlalchemy.pool import StaticPool

        from bank import ledger, web
        from bank.models import Account, Base


        @pytest.fixture
        def engine():
            engine = create_engine(
                "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
            )
            Base.metadata.create_all(engine)
            yield engine
            engine.dispose()


        @pytest.fixture
        def session(engine):
            with engine.connect() as connection:
                outer = connection.begin()
                with Session(bind=connection, join_transaction_mode="create_savepoint") as session:
                    session.add(Account(id=1, owner="Ann Sesame", cents=0))
                    session.flush()
                    yield session
                outer.rollback()


        def test_book(session):
            ledger.book(session, 1, 4711)
            ledger.book(session, 1, 4712)


        def test_blocks(engine):
            ledger.block(sessionmaker(engine))
            ledger.core(engine)


        def test_request(session):
            web.app.state.session = session
            sent = []

            async def receive():
                return {"type": "http.request"}

            async def send(message):
                sent.append(message)

            scope = {"type": "http", "method": "GET", "path": "/entries", "headers": [], "query_string": b""}
            asyncio.run(web.app(scope, receive, send))
            assert sent[0]["status"] == 200


        def test_later(tmp_path):
            async def run():
                engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/bank.db")
                async with engine.begin() as connection:
                    await connection.run_sync(Base.metadata.create_all)
                async with AsyncSession(engine) as session:
                    session.add(Account(id=1, owner="Ann Sesame", cents=0))
                    await session.commit()
                    await ledger.later(session)
                await engine.dispose()

            asyncio.run(run())
    """,
}
