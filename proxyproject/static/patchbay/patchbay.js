/* Small helps: copy buttons, tabs inside a card, the viewer's time zone. No eval, no markup from data. */
"use strict";

document.cookie =
  "pb_zone=" + encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC") +
  ";path=/;max-age=31536000;samesite=lax";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-copy-label]") || button;
    const words = label.textContent;
    try {
      await navigator.clipboard.writeText(source.textContent);
      label.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      label.textContent = "Selected: press Ctrl C";
    }
    setTimeout(() => { label.textContent = words; }, 2000);
  }
  const tab = event.target.closest('[role="tab"]');
  if (tab) showTab(tab);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
  const step = event.key === "ArrowRight" ? 1 : tabs.length - 1;
  const next = tabs[(tabs.indexOf(tab) + step) % tabs.length];
  next.focus();
  showTab(next);
});

function showTab(tab) {
  for (const other of tab.parentElement.querySelectorAll('[role="tab"]')) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

document.addEventListener("change", (event) => {
  const box = event.target.closest("[data-enables]");
  if (box) {
    const target = document.getElementById(box.dataset.enables);
    target.toggleAttribute("inert", !box.checked);
    target.setAttribute("aria-disabled", String(!box.checked));
  }
});
