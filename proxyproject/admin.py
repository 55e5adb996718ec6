"""People, roles and the audit log in the admin's own look.

Unfold's base and Django's type the same attributes in different ways, hence the ignored types.
"""

from __future__ import annotations

from typing import Any

from auditlog import admin as auditlog_pages  # noqa: F401 — registers what ours replaces
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.paginator import InfinitePaginator

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(LogEntry)

admin.site.empty_value_display = "–"

auditlog.register(User, exclude_fields=["password", "last_login"])
auditlog.register(Group)

ACTIONS = {
    LogEntry.Action.CREATE: ("Added", "add", "good"),
    LogEntry.Action.UPDATE: ("Changed", "edit", "note"),
    LogEntry.Action.DELETE: ("Deleted", "delete", "bad"),
}
SEEN = ("Seen", "visibility", "neutral")
MOST_NAMES = 5


@admin.register(User)
class PeopleAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = None


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]
    actions = None


@admin.register(LogEntry)
class AuditLogAdmin(ModelAdmin):
    """Who changed what, and who read what. To read, never to change; secrets never come here."""

    actions = None
    list_display = ("action_", "what", "who", "when", "changed")
    list_display_links = ("what",)
    list_filter = ("action",)
    list_select_related = ("content_type", "actor")
    list_per_page = 50
    show_full_result_count = False
    paginator = InfinitePaginator
    sortable_by = ()
    search_fields = ("object_repr", "actor__username")
    search_help_text = "Name of what was changed, id of what was seen, or who did it"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Action")
    def action_(self, entry: LogEntry) -> str:
        text, icon, tone = ACTIONS.get(entry.action, SEEN)
        return render_to_string("patchbay/tag.html", {"text": text, "icon": icon, "tone": tone})

    @display(description="What")
    def what(self, entry: LogEntry) -> str:
        if seen(entry):
            return f"{seen(entry)} of {entry.object_repr}"
        kind = entry.content_type.model_class()
        noun = kind._meta.verbose_name if kind else entry.content_type.model
        return f"{str(noun).capitalize()} {entry.object_repr}"

    @display(description="Who")
    def who(self, entry: LogEntry) -> str:
        return entry.actor.get_username() if entry.actor else "the command line"

    @display(description="When")
    def when(self, entry: LogEntry) -> str:
        return render_to_string("patchbay/moment.html", {"moment": entry.timestamp})

    @display(description="Members")
    def changed(self, entry: LogEntry) -> str:
        if entry.action != LogEntry.Action.UPDATE:
            return "–"
        names = [name.replace("_", " ") for name in entry.changes_dict]
        more = len(names) - MOST_NAMES
        return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The members before and after, where Django would show a form."""
        entry = self.get_object(request, object_id)
        if entry is None or not self.has_view_permission(request, entry):
            raise Http404("There is no such entry.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.what(entry),
            "original": self.what(entry),
            "entry": entry,
            "action": self.action_(entry),
            "what": self.what(entry),
            "who": self.who(entry),
            "exchanges": (entry.additional_data or {}).get("exchanges", []) if seen(entry) else [],
            "lines": [(name.replace("_", " "), *pair(change)) for name, change in changes(entry)],
        }
        return TemplateResponse(request, "patchbay/audit/entry.html", context)


def seen(entry: LogEntry) -> str:
    """What was looked at, where that alone is an entry."""
    data = entry.additional_data if entry.action == LogEntry.Action.ACCESS else None
    return str((data or {}).get("seen", ""))


def changes(entry: LogEntry) -> list[tuple[str, Any]]:
    """Members that say something: those that were empty and stayed so are left out."""
    return [(name, change) for name, change in entry.changes_dict.items() if any(pair(change))]


def pair(change: Any) -> tuple[str, str]:
    """Before and after. Relations to many are kept as an operation and its objects."""
    if isinstance(change, dict):
        objects = ", ".join(map(str, change.get("objects", ())))
        return (objects, "") if change.get("operation") == "delete" else ("", objects)
    before, after = ("" if side in (None, "None") else str(side) for side in change)
    return before, after
