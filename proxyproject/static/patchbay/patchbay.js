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

/* What Unfold draws as clickable spans and unnamed boxes, named and reachable by keyboard. */
const WORDS = { dock_to_right: "Sidebar", close: "Close", more_horiz: "More actions", more_vert: "More", unfold_more: "Account", delete: "Remove" };

function textOf(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll(".material-symbols-outlined").forEach((icon) => icon.remove());
  return copy.textContent.trim();
}

function nameThings(root) {
  for (const icon of root.querySelectorAll(".material-symbols-outlined")) {
    const words = WORDS[icon.textContent.trim()];
    const holder = icon.closest("a, button, .cursor-pointer") || icon;
    if (words && !textOf(holder)) holder.setAttribute("aria-label", words);
    else if (!icon.hasAttribute("aria-label")) icon.setAttribute("aria-hidden", "true");
  }
  for (const cell of root.querySelectorAll(".formset td[data-label]")) {
    for (const box of cell.querySelectorAll("input:not([type=hidden]), select, textarea")) {
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", cell.dataset.label);
    }
  }
  for (const box of root.querySelectorAll(".select2-search__field:not([aria-label])")) {
    box.setAttribute("aria-label", box.closest(".field-line")?.querySelector("label")?.textContent.trim() || "Search");
  }
  for (const thing of root.querySelectorAll("span.cursor-pointer, div.cursor-pointer, a.cursor-pointer:not([href])")) {
    if (thing.matches("a[href] *, button *, label *") || thing.hasAttribute("role")) continue;
    thing.setAttribute("role", "button");
    thing.tabIndex = 0;
  }
}

addEventListener("load", () => setTimeout(() => nameThings(document))); // after others have drawn
document.addEventListener("formset:added", (event) => nameThings(event.target));
document.addEventListener("keydown", (event) => {
  if (!["Enter", " "].includes(event.key) || !event.target.matches('[role="button"]:not(button)')) return;
  event.preventDefault();
  const inner = [...event.target.querySelectorAll("[x-on\\:click]")].find((one) => one.offsetParent);
  (inner || event.target).click();
});
