"""People, roles and the audit log in the admin's own look.

Unfold's base and Django's type the same attributes in different ways, hence the ignored types.
"""

from __future__ import annotations

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(LogEntry)

auditlog.register(User, exclude_fields=["password", "last_login"])
auditlog.register(Group)


@admin.register(User)
class PeopleAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = None
    list_fullwidth = False


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]
    actions = None


@admin.register(LogEntry)
class AuditLogAdmin(LogEntryAdmin, ModelAdmin):  # type: ignore[misc]
    """Who changed what; secrets never come here."""

    search_fields = ["object_repr"]
    search_help_text = "Name of what was changed"
