"""Forms of the provider pages: secrets that go in and never come out, prices beside their models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from providers.adapters.registry import ADAPTERS
from providers.checks import base_url_problem, model_problem
from providers.models import Credential, Deployment, ModelPrice, Provider
from providers.prices import PICO_PER_TOKEN, Price, library_price
from providers.publishing import PublishedForm
from providers.secret_box import TYPE_IT_AGAIN, TYPED_BEFORE, SecretBox
from providers.secrets import (
    binding,
    entered_problem,
    is_reference,
    is_stored,
    last4,
    seal,
    secret_problem,
)

if TYPE_CHECKING:
    CredentialModelForm = forms.ModelForm[Credential]
    DeploymentModelForm = forms.ModelForm[Deployment]
else:
    CredentialModelForm = DeploymentModelForm = forms.ModelForm


def secret_words(credential: Credential) -> str:
    """What may be said of a stored secret: a reference whole, a sealed one by its end."""
    if is_reference(credential.secret):
        return credential.secret
    if not credential.secret:
        return "none yet"
    return f"ends in …{credential.last4}" if credential.last4 else "stored"


def adapter_choices(chosen: str) -> Iterable[tuple[str, str]]:
    """Every vendor; the demo only where it can run."""
    for name, adapter in ADAPTERS.items():
        if name != "demo" or settings.DEMO or chosen == "demo":
            yield name, adapter.label


class ProviderForm(PublishedForm):
    section = "providers"

    class Meta:
        model = Provider
        fields = ("name", "adapter", "base_url", "allow_private_network", "enabled")
        error_messages = {
            "name": {"invalid": "A name holds only letters, digits, - and _: no blanks."}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "adapter" not in self.fields:  # a page to look at, not to change
            return
        self.fields["adapter"] = forms.ChoiceField(
            label="Vendor",
            choices=[("", "Choose one"), *adapter_choices(self.instance.adapter)],
            widget=UnfoldAdminSelectWidget,
            help_text="What the provider speaks. “OpenAI-compatible server” is for vLLM, Ollama, "
            "LM Studio and every vendor that offers OpenAI's interface.",
        )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        adapter, base_url = cleaned.get("adapter"), cleaned.get("base_url")
        if adapter and base_url is not None:
            problem = base_url_problem(adapter, base_url, cleaned["allow_private_network"])
            if problem:
                self.add_error("base_url", address_sentence(problem))
        return cleaned


def address_sentence(problem: str) -> str:
    """What is wrong with an address, in the words of the form."""
    words = problem.replace(
        "set allow_private_network to true", "tick “Allow private network” below"
    )
    words = re.sub(r"the adapter \S+ has", "this vendor has", words)
    if words.startswith(("is ", "must ", "holds ")):
        return f"The address {words}"
    return words[0].upper() + words[1:]


class CredentialForm(CredentialModelForm):
    """The secret is write-only: an empty box keeps what is stored."""

    new_secret = forms.CharField(
        label="Secret",
        required=False,
        widget=SecretBox(attrs={"autocomplete": "new-password"}),
        help_text="The vendor's API key; kept encrypted and never shown again. Or a reference: "
        "env:NAME, or file:PATH in the directory of secrets.",
    )

    class Meta:
        model = Credential
        fields = ("label", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        box = self.fields.get("new_secret")
        if box is None:
            return
        stored = bool(self.instance.secret)
        box.widget.attrs["placeholder"] = (
            f"{secret_words(self.instance)} – type to replace" if stored else "sk-… or env:NAME"
        )
        box.widget.attrs["aria-label"] = "Secret"

    def clean_new_secret(self) -> str:
        entered: str = self.cleaned_data["new_secret"].strip()
        if entered == TYPED_BEFORE:
            raise forms.ValidationError(TYPE_IT_AGAIN)
        if not entered:
            if not self.instance.secret:
                raise forms.ValidationError("Enter the secret, or a reference such as env:NAME.")
            return ""
        if is_reference(entered):
            problem = entered_problem(entered)
        elif is_stored(entered):
            problem = "This is an encrypted form from an export; enter the secret itself."
        else:
            problem = secret_problem(entered)
        if problem:
            raise forms.ValidationError(problem[0].upper() + problem[1:])
        return entered

    def save(self, commit: bool = True) -> Credential:
        entered = self.cleaned_data.get("new_secret", "")
        if entered:
            bound_to = binding(self.instance.provider.name, self.cleaned_data["label"])
            self.instance.secret = entered if is_reference(entered) else seal(entered, bound_to)
            self.instance.last4 = "" if is_reference(entered) else last4(entered)
        return super().save(commit)


def _price_box(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="US dollars per million tokens. Empty: the price list decides.",
    )


class DeploymentForm(DeploymentModelForm):
    """A model with its own price, both boxes or none."""

    input_price = _price_box("$ per M in")
    output_price = _price_box("$ per M out")

    class Meta:
        model = Deployment
        fields = ("model", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = price_of(self.instance)
        listed = None if own is not None else listed_price(self.instance)
        for box, kind in (("input_price", "input"), ("output_price", "output")):
            if box not in self.fields:
                continue
            if own is not None:
                self.initial[box] = getattr(own, f"{kind}_per_mtok").normalize()
            self.fields[box].widget.attrs["placeholder"] = dollars(listed, kind)
            self.fields[box].widget.attrs["aria-label"] = f"Price of {kind}"

    def clean_model(self) -> str:
        model: str = self.cleaned_data["model"]
        problem = model_problem(model)
        if problem:
            raise forms.ValidationError(problem)
        return model

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        boxes = ("input_price", "output_price")
        given = [box for box in boxes if cleaned.get(box) is not None]
        if len(given) == 1:
            missing = next(box for box in boxes if box not in given)
            self.add_error(missing, "Give both prices, or neither.")
        return cleaned

    def save(self, commit: bool = True) -> Deployment:
        deployment = super().save(commit)
        if commit:
            self.save_price()
        return deployment

    def save_price(self) -> None:
        """Needs the Deployment to be saved."""
        if not {"input_price", "output_price"} & set(self.changed_data):
            return
        price, more = self.cleaned_data["input_price"], self.cleaned_data["output_price"]
        if price is None:
            ModelPrice.objects.filter(deployment=self.instance).delete()
            return
        ModelPrice.objects.update_or_create(
            deployment=self.instance, defaults={"input_per_mtok": price, "output_per_mtok": more}
        )


def price_of(deployment: Deployment) -> ModelPrice | None:
    """The operator's own price; None if there is none."""
    try:
        return deployment.price
    except ModelPrice.DoesNotExist:
        return None


def listed_price(deployment: Deployment) -> Price | None:
    """What the price library says of a named model."""
    if deployment._state.adding or deployment.model == "*":
        return None
    adapter = ADAPTERS.get(deployment.provider.adapter)
    return library_price(adapter.prices, deployment.model) if adapter else None


def dollars(price: Price | None, kind: str) -> str:
    """A listed price in dollars per million tokens; empty if unknown."""
    if price is None:
        return ""
    value = Decimal(getattr(price, kind)) / PICO_PER_TOKEN
    return f"{value.normalize():f}"
