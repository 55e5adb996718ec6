"""Client keys in the admin: issued here, shown once, rotated and revoked with a question before."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display

from usage.deletion import with_namers
from usage.forms import ClientKeyForm, QuotaForm, QuotaFormSet
from usage.issue import issue_key, revoke, rotate
from usage.models import ClientKey, Quota
from usage.transcript_fields import TRANSCRIPT_FIELDSET

ISSUED = "patchbay_issued"


class KeyQuotaInline(TabularInline):
    model = Quota
    form = QuotaForm
    formset = QuotaFormSet
    fields = ("metric", "window", "amount")
    extra = 0
    hide_title = True
    verbose_name = "limit"


class ClientKeyAdmin(ModelAdmin):
    """Adding a key issues it; its secret is in the answer of that one request and nowhere else."""

    form = ClientKeyForm
    actions = None
    compressed_fields = False
    warn_unsaved_form = True
    inlines: ClassVar = [KeyQuotaInline]
    list_display = ("key", "team", "owner", "models_", "issued", "state")
    list_filter = (("team", AutocompleteSelectFilter),)
    list_filter_submit = True
    list_select_related = ("team", "owner")
    search_fields = ("name", "prefix", "last4")
    search_help_text = "Name, or how the key begins or ends"
    autocomplete_fields = ("team", "owner")
    actions_detail: Any = ("rotate_key", "revoke_key")
    fieldsets = (
        (None, {"fields": (("name", "team", "owner"),)}),
        ("What it may do", {"fields": ("patterns", ("expires_at", "strict"))}),
        TRANSCRIPT_FIELDSET,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClientKey]:
        return super().get_queryset(request).select_related("team", "owner")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is known of an issued key stands first."""
        fieldsets = super().get_fieldsets(request, obj)
        return (
            [("The key", {"fields": (("shown", "issued", "state"),)}), *fieldsets]
            if obj
            else fieldsets
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("shown", "issued", "state") if obj else ()

    @display(description="Begins and ends with")
    def shown(self, key: ClientKey) -> str:
        return f"{key.prefix}…{key.last4}"

    @display(description="Client key", ordering="name")
    def key(self, key: ClientKey) -> str:
        return render_to_string("patchbay/keys/cell.html", {"key": key})

    @display(description="Models")
    def models_(self, key: ClientKey) -> str:
        if key.models_allowed == ["*"]:
            return "any"
        shown = ", ".join(key.models_allowed[:3])
        more = len(key.models_allowed) - 3
        return f"{shown} and {more} more" if more > 0 else shown

    @display(description="Issued", ordering="created_at")
    def issued(self, key: ClientKey) -> str:
        return render_to_string("patchbay/moment.html", {"moment": key.created_at})

    @display(description="State")
    def state(self, key: ClientKey) -> str:
        return render_to_string("patchbay/keys/state.html", {"key": key, "now": timezone.now()})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        issued, secret = issue_key(
            obj.name,
            team=obj.team,
            owner=obj.owner,
            models=obj.models_allowed,
            strict=obj.strict,
            transcripts=obj.transcripts,
            transcript_share=obj.transcript_share,
            redaction=obj.redaction,
            expires_at=obj.expires_at,
        )
        vars(obj).update(vars(issued))
        vars(request)[ISSUED] = secret

    def response_add(
        self, request: HttpRequest, obj: ClientKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._issued_page(request, obj, vars(request).pop(ISSUED))

    def _issued_page(self, request: HttpRequest, key: ClientKey, secret: str) -> HttpResponse:
        """Shows the secret. No redirect, no cache, no session: a reload cannot bring it back."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": key,
            "title": "Key issued",
            "key": key,
            "secret": secret,
            "quotas": Quota.objects.filter(client_key=key),
        }
        response = TemplateResponse(request, "patchbay/keys/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @action(description="Rotate", url_path="rotate", icon="autorenew", permissions=["change"])  # type: ignore[operator]
    def rotate_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = get_object_or_404(ClientKey, pk=object_id)
        if request.method != "POST":
            return self._question(request, key, "rotate")
        with transaction.atomic():
            secret = rotate(key)
            self.log_change(request, key, "Rotated.")
        key.refresh_from_db()
        return self._issued_page(request, key, secret)

    @action(description="Revoke", url_path="revoke", icon="key_off", permissions=["change"])  # type: ignore[operator]
    def revoke_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = get_object_or_404(ClientKey, pk=object_id)
        if request.method != "POST":
            return self._question(request, key, "revoke")
        if request.POST.get("name", "").strip() != key.name:
            return self._question(request, key, "revoke", f"Type {key.name} to revoke it.")
        with transaction.atomic():
            revoke(key)
            self.log_change(request, key, "Revoked.")
        messages.success(
            request,
            f"“{key.name}” is refused from now on, on every worker within a second. "
            "Its records stay.",
        )
        return HttpResponseRedirect(reverse("admin:patchbay_usage_clientkey_changelist"))

    def _question(
        self, request: HttpRequest, key: ClientKey, verb: str, problem: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": key,
            "title": verb.capitalize(),
            "key": key,
            "problem": problem,
        }
        return TemplateResponse(request, f"patchbay/keys/{verb}.html", context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return with_namers(super().get_deleted_objects(objs, request), objs)
