"""Small projects to audit, as text: they are written to a folder and read there, and nothing ever imports them.

`DJANGO` is a shop in four applications; what crosses their boundaries does so exactly once or a few times.
`FLASK` and `FASTAPI` are the same idea on SQLAlchemy.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

Files = dict[str, str]

DJANGO: Files = {
    "manage.py": "import os\n",
    "shop/__init__.py": "",
    "shop/settings.py": """
        INSTALLED_APPS = ["shop.users", "shop.orders.apps.OrdersConfig"]
        AUTH_USER_MODEL = "users.User"
        DATABASES = {"default": {"ATOMIC_REQUESTS": False}}
    """,
    "shop/urls.py": """
        from django.urls import include, path

        urlpatterns = [path("orders/", include("shop.orders.urls"))]
    """,
    "shop/users/__init__.py": "",
    "shop/users/models.py": """
        from django.contrib.auth.models import AbstractUser
        from django.db import models


        class User(AbstractUser):
            points = models.IntegerField()


        class Address(models.Model):
            user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    """,
    "shop/stock/__init__.py": "from .models import Item\n",
    "shop/stock/models.py": """
        from django.db import models


        class Stamped(models.Model):
            created = models.DateTimeField()

            class Meta:
                abstract = True


        class Item(Stamped):
            count = models.IntegerField()

            class Meta:
                db_table = "stock_items"
    """,
    "shop/stock/services.py": """
        from .models import Item


        def take(item_id, count):
            item = Item.objects.get(pk=item_id)
            item.count -= count
            item.save()
    """,
    "shop/orders/__init__.py": "",
    "shop/orders/apps.py": """
        from django.apps import AppConfig


        class OrdersConfig(AppConfig):
            name = "shop.orders"
            label = "sales"
    """,
    "shop/orders/models.py": """
        from django.conf import settings
        from django.contrib.contenttypes.fields import GenericForeignKey
        from django.db import models

        from shop.stock import Item


        class Order(models.Model):
            customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
            address = models.ForeignKey("users.Address", null=True, on_delete=models.SET_NULL)


        class Line(models.Model):
            order = models.ForeignKey("Order", related_name="lines", on_delete=models.CASCADE)
            item = models.ForeignKey(Item, on_delete=models.PROTECT)
            parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
            about = GenericForeignKey()
    """,
    "shop/orders/views.py": """
        from django.db import transaction

        from shop.stock import services
        from .models import Line, Order
        from .tasks import confirm


        @transaction.atomic
        def place(request):
            order = Order.objects.create(customer=request.user)
            services.take(request.POST["item"], 1)
            confirm.delay(order.pk)


        def overview(request):
            return Order.objects.filter(customer__points__gt=3).select_related("address", "customer")


        def rename(form):
            form.save()
    """,
    "shop/orders/tasks.py": """
        from celery import shared_task


        @shared_task(name="orders.confirm")
        def confirm(pk):
            from .models import Order

            Order.objects.filter(pk=pk).update(confirmed=True)
    """,
    "shop/orders/urls.py": "urlpatterns = []\n",
    "shop/reports/__init__.py": "",
    "shop/reports/jobs.py": """
        from typing import TYPE_CHECKING

        from celery import current_app
        from django.apps import apps
        from django.db import connection, transaction
        from django.db.models.signals import post_save
        from django.dispatch import receiver

        if TYPE_CHECKING:
            from shop.users.models import User

        Order = apps.get_model("sales", "Order")


        @receiver(post_save, sender="sales.Order")
        def note(sender, **kwargs): ...


        def nightly():
            current_app.send_task("orders.confirm", args=[1])
            with connection.cursor() as cursor:
                cursor.execute("SELECT i.count FROM stock_items i JOIN sales_line l ON l.item_id = i.id")


        def mend():
            with transaction.atomic():
                Order.objects.filter(pk=1).delete()
    """,
    "shop/orders/tests/test_views.py": "from shop.orders import views\n",
    "shop/orders/migrations/0001_initial.py": "from django.db import migrations\n",
}

FLASK: Files = {
    "pyproject.toml": "[project]\n",
    "app/__init__.py": """
        from flask import Flask

        from .blog.views import blueprint


        def make():
            app = Flask(__name__)
            app.register_blueprint(blueprint)
            return app
    """,
    "app/db.py": """
        from flask_sqlalchemy import SQLAlchemy

        db = SQLAlchemy()
    """,
    "app/members/__init__.py": "",
    "app/members/models.py": """
        from app.db import db


        class Member(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            posts = db.relationship("Post", backref="author")
    """,
    "app/blog/__init__.py": "",
    "app/blog/models.py": """
        from app.db import db


        class Post(db.Model):
            __tablename__ = "posts"
            author_id = db.Column(db.Integer, db.ForeignKey("member.id"))
    """,
    "app/blog/views.py": """
        from flask import Blueprint

        from app.db import db
        from app.members.models import Member
        from .models import Post

        blueprint = Blueprint("blog", __name__)


        def publish(member_id):
            with db.session.begin():
                member = Member.query.get(member_id)
                db.session.add(Post(author_id=member.id))


        def listing():
            return Post.query.join(Member).filter(Member.id == 1).all()
    """,
}

FASTAPI: Files = {
    "src/bank/__init__.py": "",
    "src/bank/base.py": """
        from sqlalchemy.orm import DeclarativeBase


        class Base(DeclarativeBase): ...
    """,
    "src/bank/accounts/models.py": """
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from bank.base import Base


        class Account(Base):
            __tablename__ = "accounts"
            id: Mapped[int] = mapped_column(primary_key=True)
            entries: Mapped[list["Entry"]] = relationship(back_populates="account")
    """,
    "src/bank/ledger/models.py": """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from bank.accounts.models import Account
        from bank.base import Base


        class Entry(Base):
            __tablename__ = "entries"
            id: Mapped[int] = mapped_column(primary_key=True)
            account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
            account: Mapped["Account"] = relationship(back_populates="entries")
    """,
    "src/bank/ledger/api.py": """
        from fastapi import APIRouter
        from sqlalchemy import select, update

        from bank.accounts.models import Account
        from .models import Entry

        router = APIRouter()


        @router.post("/entries")
        async def book(session):
            async with session.begin():
                account = (await session.execute(select(Account))).scalar_one()
                session.add(Entry(account_id=account.id))
                await session.execute(update(Account).values(cents=1))
    """,
    "src/bank/main.py": """
        from fastapi import FastAPI

        from bank.ledger import api

        app = FastAPI()
        app.include_router(api.router)
    """,
}


def write(root: Path, files: Files) -> Path:
    """Write a project below a folder. Returns: the folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return root
