"""What the staff asks for over HTTP."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from calve import CallError

from .giving import give
from .models import Refund


def visits(request: HttpRequest) -> JsonResponse:
    """How often this session was here."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


@csrf_exempt
@login_required(login_url="admin/login/")
def refunds(request: HttpRequest) -> JsonResponse:
    """Give one, or count them."""
    if request.method != "POST":
        return JsonResponse({"refunds": Refund.objects.count()})
    try:
        left = give(request.POST["customer"], int(request.POST["cents"]))
    except CallError as error:
        return JsonResponse({"error": error.code}, status=502)
    return JsonResponse({"left_cents": left}, status=201)
