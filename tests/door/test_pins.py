"""What is not public in the libraries we lean on, held so that an upgrade says what it broke."""

from __future__ import annotations

import inspect

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import get_resolver
from ninja import NinjaAPI
from ninja.operation import AsyncOperation

from proxyproject.api import ClientApi, api
from routing.views import Sent


def test_ninja_asks_the_api_for_a_temporal_response_and_takes_none():
    assert "create_temporal_response" in inspect.getsource(AsyncOperation.run)
    assert api.create_temporal_response(HttpRequest()) is None
    assert hasattr(NinjaAPI, "create_temporal_response")


def test_ninja_passes_a_response_on_as_it_is():
    source = inspect.getsource(AsyncOperation)
    assert "HttpResponse" in source
    assert issubclass(Sent, HttpResponseBase)


def test_ninja_s_own_exception_handlers_are_not_installed():
    """In debug mode its handler would answer a traceback in plain text."""
    assert hasattr(NinjaAPI, "set_default_exception_handlers")
    assert ClientApi.set_default_exception_handlers is not NinjaAPI.set_default_exception_handlers
    assert not api._exception_handlers


def test_a_response_of_ours_needs_nothing_of_django_s_constructor():
    sent = Sent()
    assert sent.status_code == 200
    assert not sent.streaming if hasattr(sent, "streaming") else True


def test_the_resolver_answers_for_client_paths_without_a_request():
    match = get_resolver().resolve("/v1/chat/completions")
    assert inspect.iscoroutinefunction(match.func) or callable(match.func)
    assert match.kwargs == {}
