// What links, forms and attributes of htmx cannot say.

// Commands are copied.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1200);
});

// A page is asked for again, and what has changed in it is replaced: the focus stays.
const renew = (address) =>
  htmx.ajax("GET", address, { target: "#live", select: "#live", selectOOB: "#top,#foot", swap: "outerMorph" });

// While something is running, a page follows it: an event says that there is something new.
let events = null;
let waiting = false;
let missed = false;
const follow = () => {
  const address = document.querySelector("#live[data-live]")?.dataset.live;
  if (events && events.address !== address) {
    events.close();
    events = null;
  }
  if (!address || events) return;
  events = new EventSource(address);
  events.address = address;
  events.onmessage = look;
};
const look = async () => {
  missed = waiting || document.hidden;
  if (missed) return;
  waiting = true;
  try {
    await renew(location.pathname + location.search);
  } finally {
    waiting = false;
  }
  follow();
  if (missed && events) look();
};
document.addEventListener("visibilitychange", () => missed && !document.hidden && look());
document.addEventListener("DOMContentLoaded", follow);
addEventListener("pagehide", () => events?.close());

// Another step of a run is shown without leaving the place on the page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("#live a[href*='step=']");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const address = new URL(link.getAttribute("href"), location.href);
  if (address.pathname !== location.pathname) return;
  event.preventDefault();
  history.replaceState(history.state, "", address);
  renew(address.pathname + address.search);
});
