"""Where things are, below wherever this is mounted."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.urls import path

from .refunds import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("static/<path:path>", serve, {"insecure": True}),  # the admin's; no web server in front is needed
    path("visits", views.visits),
    path("refunds", views.refunds),
]
