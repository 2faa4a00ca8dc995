"""The table of refunds, as `makemigrations` wrote it."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer", models.CharField(max_length=50)),
                ("cents", models.PositiveIntegerField()),
                ("given_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
