// Liveness, and nothing else: when the server says that the state has changed, the page is fetched again and
// those parts of it are exchanged that are different now. Without it, reloading does the same.
"use strict";
(() => {
  const QUIET_MS = 700;
  const place = new URL("../live", document.currentScript.src);
  const lamp = document.querySelector("[data-lamp]");
  const announcer = document.querySelector("p[data-announce]");
  const parts = () => [...document.querySelectorAll("[data-part][id]")];
  const seen = new Map(parts().map((part) => [part.id, part.outerHTML]));
  let isFetching = false, isStale = false, last = 0, timer = 0;

  // What came back with a refusal was typed too, though it stands in the page as it came.
  const hasUnsent = (part) => part.querySelector("form[data-typed]") !== null ||
    [...part.querySelectorAll("input:not([type=hidden]), textarea, select")].some((field) =>
      field.type === "radio" || field.type === "checkbox"
        ? field.checked !== field.defaultChecked
        : field.tagName !== "SELECT" && field.value !== field.defaultValue);

  // Not `scrollIntoView`: in Chromium the first Tab would go on from there, past the skip link.
  const centre = (frame, here) => {
    if (!here) return;
    const [outer, inner] = [frame.getBoundingClientRect(), here.getBoundingClientRect()];
    frame.scrollTo(frame.scrollLeft + inner.left - outer.left - (outer.width - inner.width) / 2,
      frame.scrollTop + inner.top - outer.top - (outer.height - inner.height) / 2);
  };

  // A picture that is larger than its frame is shown where the run stands.
  const follow = () => {
    const frame = document.querySelector(".picture");
    const nodes = frame ? frame.querySelectorAll(".node.at, .node.visited") : [];
    centre(frame, frame?.querySelector(".node.at") || nodes[nodes.length - 1]);
  };

  const exchange = (fresh) => {
    for (const part of parts()) {
      const now = fresh.getElementById(part.id);
      if (!now || seen.get(part.id) === now.outerHTML) continue;
      const stillAsked = now.querySelector("form[method=post]");
      if (stillAsked && hasUnsent(part)) continue;
      seen.set(part.id, now.outerHTML);
      for (const open of part.querySelectorAll("details[open][id]")) {
        const same = now.querySelector("#" + CSS.escape(open.id));
        if (same) same.open = true;
      }
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const way = focused && (focused.id ? "#" + CSS.escape(focused.id)
        : focused.getAttribute("href") ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]` : "");
      const [left, top] = [part.scrollLeft, part.scrollTop];
      const said = part.dataset.announce;
      part.replaceWith(now);
      now.scrollTo(left, top);
      if (now.matches(".picture")) follow();
      if (focused === part) now.focus({ preventScroll: true });
      else if (way) now.querySelector(way)?.focus({ preventScroll: true });
      if (announcer && now.dataset.announce && now.dataset.announce !== said) {
        announcer.textContent = now.dataset.announce;
      }
    }
  };

  const refresh = async () => {
    timer = 0;
    if (isFetching || document.hidden) { isStale = true; return; }
    isFetching = true;
    isStale = false;
    last = Date.now();
    try {
      const response = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (response.redirected) { location.reload(); return; }
      if (response.ok) exchange(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch { /* the stream tells when the server is back */ }
    isFetching = false;
    if (isStale) wake();
  };
  const wake = () => {
    if (!timer) timer = setTimeout(refresh, Math.max(0, last + QUIET_MS - Date.now()));
  };
  const light = (isLive) => {
    if (!lamp) return;
    lamp.classList.toggle("on", isLive);
    lamp.title = isLive ? "What is new is shown at once" : "Reload to see what is new";
  };

  let stream = null;
  const listen = () => {
    stream?.close();
    stream = new EventSource(place);
    stream.addEventListener("open", () => { light(true); wake(); });
    stream.addEventListener("changed", wake);
    stream.addEventListener("error", () => {
      light(false);
      if (stream?.readyState !== EventSource.CLOSED) return;
      setTimeout(() => { if (!document.hidden) { listen(); wake(); } }, 5000);
    });
  };
  // Browsers open six connections to a server: a page that nobody sees needs none of them.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stream?.close(); stream = null; light(false); } else listen();
  });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); wake(); } });
  const nav = document.querySelector("nav");
  centre(nav, nav?.querySelector("[aria-current]"));
  follow();
  listen();
})();
