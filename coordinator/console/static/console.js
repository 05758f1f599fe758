// The console's script. Everything here adds to pages that stand without it, but for passkeys, which no page can ask for otherwise.
// No dependency, no markup from strings, no eval: it passes a Content-Security-Policy of script-src 'self'.
"use strict";

(() => {
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;

  // ---------- words for times, the same as the server's ----------

  /** What a clock says when `left` milliseconds are left. */
  function timeLeft(left) {
    if (left < 0) return `${span(-left)} late`;
    if (left < 10 * MINUTE) return `${Math.floor(left / MINUTE)}:${String(Math.floor((left % MINUTE) / 1000)).padStart(2, "0")} min`;
    if (left < HOUR) return `${Math.floor(left / MINUTE)} min`;
    if (left < 12 * HOUR) {
      const minutes = Math.floor((left % HOUR) / MINUTE);
      return minutes ? `${Math.floor(left / HOUR)} h ${minutes} min` : `${Math.floor(left / HOUR)} h`;
    }
    return span(left);
  }

  /** A length of time in one unit: "4 min", "3 h", "2 days". */
  function span(length) {
    if (length < HOUR) return `${Math.floor(length / MINUTE)} min`;
    if (length < 2 * DAY) return `${Math.floor(length / HOUR)} h`;
    return `${Math.floor(length / DAY)} days`;
  }

  function timeAgo(passed) {
    return passed < MINUTE ? "just now" : `${span(passed)} ago`;
  }

  // ---------- digits ----------

  /** RFC 8785 for what is hashed here: strings, whole numbers, lists, objects. */
  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value !== null && typeof value === "object") {
      // Sorting compares UTF-16 code units, as the RFC does.
      const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
      return `{${members.join(",")}}`;
    }
    return JSON.stringify(value);
  }

  async function sha256(text) {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** "no. 7", "no. 7 and 9", "no. 7, 9 and 12", "8 addresses". */
  function listed(numbers) {
    if (numbers.length > 4) return `${numbers.length} addresses`;
    const last = numbers.at(-1);
    return numbers.length === 1 ? `no. ${last}` : `no. ${numbers.slice(0, -1).join(", ")} and ${last}`;
  }

  // ---------- base64url ----------

  function toBytes(text) {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (char) => char.charCodeAt(0));
  }

  function fromBytes(buffer) {
    if (!buffer) return "";
    const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  }

  if (typeof module === "object") {
    module.exports = { timeLeft, timeAgo, canonical, sha256, listed, toBytes, fromBytes };
    return;
  }

  // ---------- the page ----------

  const root = document.documentElement;
  root.dataset.script = "";
  // A device's clock may be wrong; a deadline is the server's.
  const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
  const now = () => Date.now() + (Math.abs(skew) > 5_000 ? skew : 0);

  /** Tell a screen reader, without moving anything. */
  function say(text) {
    const place = document.querySelector("[data-say]");
    if (place) place.textContent = text;
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    return svg;
  }

  // ---------- clocks and times ----------

  const THRESHOLDS = [30, 10, 5, 1];
  const saidOf = new WeakMap();

  function showClock(clock) {
    const left = Date.parse(clock.dataset.until) - now();
    const text = timeLeft(left);
    if (clock.dataset.shownText === text) return;
    clock.dataset.shownText = text;
    if ("untilLarge" in clock.dataset) {
      const parts = text.split(" ").map((word) => (/^\d/.test(word) ? element("span", { class: "clock__n" }, word) : element("small", {}, word)));
      clock.replaceChildren(...parts.flatMap((part, index) => (index ? [" ", part] : [part])));
      announce(clock, left);
    } else {
      clock.textContent = text;
    }
  }

  /** Said at 30, 10, 5 and 1 minutes and at the end; a voice every second would drown the page. */
  function announce(clock, left) {
    const step = left <= 0 ? 0 : (THRESHOLDS.filter((minutes) => left <= minutes * MINUTE).at(-1) ?? Infinity);
    const before = saidOf.get(clock);
    saidOf.set(clock, step);
    if (before !== undefined && step < before) say(step ? `${step} min left` : "The time is up.");
  }

  const formats = {
    time: { hour: "2-digit", minute: "2-digit" },
    date: { day: "numeric", month: "short" },
    both: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    full: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  };

  function showTime(time) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) return;
    const apart = now() - at;
    const show = time.dataset.show;
    let text;
    if (show === "ago" && apart >= 0 && apart < 14 * DAY) text = timeAgo(apart);
    else if (show === "left" && apart <= 0 && apart > -14 * DAY) text = `in ${span(-apart)}`;
    else {
      const format = { ...(formats[show] ?? formats.both), hourCycle: "h23" };
      if (format.day && new Date(at).getFullYear() !== new Date(now()).getFullYear()) format.year = "numeric";
      text = new Intl.DateTimeFormat("en-GB", format).format(at);
    }
    if (time.textContent !== text) time.textContent = text;
  }

  function tick() {
    document.querySelectorAll("[data-until]").forEach(showClock);
  }

  function localise() {
    document.querySelectorAll("time[data-show]").forEach(showTime);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const place = document.querySelector("[data-zone]");
    if (place && zone) place.textContent = zone === "UTC" ? "Times in UTC" : `Times in your zone, ${zone.replaceAll("_", " ")}; UTC on hover`;
  }

  // ---------- copying ----------

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      say("The browser did not let the page copy. Select the text instead: selecting takes all of it.");
      return;
    }
    button.dataset.copied = "";
    const use = button.querySelector("use");
    const before = use?.getAttribute("href");
    use?.setAttribute("href", "#i-check");
    say("Copied");
    setTimeout(() => {
      delete button.dataset.copied;
      if (before) use.setAttribute("href", before);
    }, 1500);
  }

  // ---------- theme ----------

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

  function nameTheme() {
    const button = document.querySelector("[data-theme-toggle]");
    if (button) button.textContent = isDark() ? "Light theme" : "Dark theme";
  }

  function turnTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; Secure" : "";
    // The server reads it, so that the next page comes in the right colours at once.
    document.cookie = `holdfast_theme=${root.dataset.theme}; path=/console; max-age=31536000; SameSite=Strict${secure}`;
    nameTheme();
  }

  // ---------- digits that follow "Leave out" ----------

  function leftOut(name, form) {
    const inputs = document.querySelectorAll(`input[name="${CSS.escape(name)}"]`);
    const taken = Array.from(inputs).filter((input) => (input.form?.id ?? "") === form && (input.type === "hidden" || input.checked));
    // Hidden ones stand for ticks on other pages of the same list.
    return [...new Set(taken.map((input) => Number(input.value)))].sort((a, b) => a - b);
  }

  async function showDigits() {
    for (const place of document.querySelectorAll("[data-shown]")) {
      const { shownName = "except", shownForm = "decision" } = place.dataset;
      const except = leftOut(shownName, shownForm);
      for (const word of document.querySelectorAll("[data-leave]")) nameButton(word, except);
      const text = canonical({ ...JSON.parse(place.dataset.shown), except });
      const digits = place.querySelector(".digits");
      if (place.dataset.shownText === text) continue;
      place.dataset.shownText = text;
      if (!globalThis.crypto?.subtle) {
        digits.dataset.stale = "";
        continue;
      }
      const hash = await sha256(text);
      if (place.dataset.shownText !== text) return; // ticked again meanwhile
      for (const part of digits.querySelectorAll("[data-digits]")) {
        const from = Number(part.dataset.digits);
        part.textContent = hash.slice(from, from + 4 || undefined);
      }
    }
  }

  /** A button says what it does: "Ratify all 51" turns to "Ratify 50, leave out no. 7". */
  function nameButton(word, except) {
    word.dataset.leaveNone ??= word.textContent;
    const total = Number(word.dataset.leaveTotal);
    word.textContent = except.length ? word.dataset.leave.replace("{rest}", total - except.length).replace("{list}", listed(except)) : word.dataset.leaveNone;
  }

  // ---------- passkeys ----------

  const REASONS = {
    NotAllowedError: "Nothing was signed. The passkey was cancelled, took too long, or is not on this device. Try again, or use the device that holds it.",
    AbortError: "Nothing was signed. The browser stopped the passkey. Try again.",
    InvalidStateError: "This device already holds a passkey of yours. Use it, or make one on another device.",
    SecurityError: "Nothing was signed. This page's address is not the one that your passkey is for: open the console at its own address.",
    NotSupportedError: "This device cannot make the kind of passkey that is asked for. Use another device or a security key.",
    unsupported: "This browser knows no passkeys. Open the console in a current browser, or on the device that holds your passkey.",
    other: "Nothing was signed. The passkey failed in a way that the browser does not explain. Try again, or use another device.",
  };
  let asking = 0;

  const known = (list) => (list ?? []).map((item) => ({ ...item, type: "public-key", id: toBytes(item.id) }));

  async function signWith(form) {
    const options = JSON.parse(form.dataset.passkeyGet);
    const publicKey = { ...options, challenge: toBytes(options.challenge), allowCredentials: known(options.allowCredentials), userVerification: "required" };
    const { rawId, response } = await navigator.credentials.get({ publicKey });
    return {
      client_data: fromBytes(response.clientDataJSON),
      authenticator_data: fromBytes(response.authenticatorData),
      signature: fromBytes(response.signature),
      credential_id: fromBytes(rawId),
      user_handle: fromBytes(response.userHandle),
    };
  }

  async function makeOne(form) {
    const options = JSON.parse(form.dataset.passkeyCreate);
    const publicKey = {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    };
    const { rawId, response } = await navigator.credentials.create({ publicKey });
    return {
      client_data: fromBytes(response.clientDataJSON),
      attestation_object: fromBytes(response.attestationObject),
      credential_id: fromBytes(rawId),
      transports: (response.getTransports?.() ?? []).join(","),
    };
  }

  async function withPasskey(form, submitter) {
    const place = form.querySelector("[data-passkey-say]");
    place.hidden = true;
    submitter?.setAttribute("aria-busy", "true");
    asking += 1;
    try {
      if (!globalThis.PublicKeyCredential) throw new DOMException("", "unsupported");
      const values = await ("passkeyGet" in form.dataset ? signWith(form) : makeOne(form));
      for (const [name, value] of Object.entries(values)) form.elements.namedItem(name).value = value;
      form.dataset.passkeyDone = "";
      form.requestSubmit(submitter);
    } catch (error) {
      const text = element("span", {}, REASONS[error.name] ?? REASONS.other);
      place.replaceChildren(icon("warn"), text);
      place.hidden = false;
    } finally {
      asking -= 1;
      submitter?.removeAttribute("aria-busy");
    }
  }

  // ---------- links whose secret stands behind the # ----------

  /** Take the secret out of the address bar, and so out of the history, into the form that sends it. */
  function takeSecret() {
    const form = document.querySelector("form[data-secret]");
    const secret = location.hash.slice(1);
    // A place in the page, as after "Skip to content" and a reload, is no secret.
    if (!form || !secret || document.getElementById(secret)) return;
    form.elements.namedItem(form.dataset.secret).value = secret;
    form.dataset.secretTaken = "";
    history.replaceState(null, "", location.pathname + location.search);
  }

  // ---------- live parts ----------

  let typed = false;

  /** What must outlive a swap: which folds are open, where the focus is, how far each part is scrolled. */
  function remember(main) {
    const keyOf = (fold) => fold.id || fold.querySelector("summary")?.textContent.trim();
    const folds = new Map(Array.from(main.querySelectorAll("details"), (fold) => [keyOf(fold), fold.open]));
    const scrolls = Array.from(main.querySelectorAll(".scroll, .tabs, .pick"), (part) => part.scrollLeft);
    const top = scrollY;
    const active = main.contains(document.activeElement) ? document.activeElement : null;
    const caret = active && typeof active.selectionStart === "number" ? [active.selectionStart, active.selectionEnd] : null;
    const describe = (item) => [item.tagName, item.id, item.getAttribute("href"), item.getAttribute("name"), item.getAttribute("value"), item.textContent.trim()].join("\n");
    const wanted = active && describe(active);
    const twin = active && Array.from(main.querySelectorAll(active.tagName)).filter((item) => describe(item) === wanted).indexOf(active);
    return () => {
      for (const fold of main.querySelectorAll("details")) if (folds.has(keyOf(fold))) fold.open = folds.get(keyOf(fold));
      main.querySelectorAll(".scroll, .tabs, .pick").forEach((part, index) => (part.scrollLeft = scrolls[index] ?? 0));
      if (active) {
        const like = Array.from(main.querySelectorAll(active.tagName)).filter((item) => describe(item) === wanted);
        const next = like[twin] ?? like[0] ?? main;
        next.focus({ preventScroll: true });
        if (caret) next.setSelectionRange?.(...caret);
      }
      scrollTo({ top, behavior: "instant" });
    };
  }

  /** A notice that stays in sight. It offers one thing: to go where `href` leads, or to do `act`. */
  function stick(text, word, href, act) {
    if (document.querySelector(".notice--stick")) return;
    const link = element("a", { class: "btn", href }, word);
    if (act) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        act();
      });
    }
    const notice = element("div", { class: "notice notice--waiting notice--stick", role: "alert" }, icon("bell"), element("div", {}, element("p", {}, text), link));
    document.getElementById("main").prepend(notice);
  }

  /** What was typed and ticked, by the id of its field. */
  function typedIn(main) {
    const fields = Array.from(main.querySelectorAll("input[id]:not([type=hidden], [type=file]), select[id], textarea[id]"));
    const kept = fields.map((field) => [field.id, field.value, field.checked]);
    return () => {
      for (const [id, value, checked] of kept) {
        const field = document.getElementById(id);
        if (field?.type === "checkbox" || field?.type === "radio") field.checked = checked;
        else if (field) field.value = value;
      }
    };
  }

  const isBusy = (main) => asking > 0 || (main.contains(getSelection().anchorNode) && !getSelection().isCollapsed);

  async function changed(main) {
    if (typed || document.querySelector("[data-errors]")) {
      // A form that holds somebody's words is not replaced under their hands; they say when.
      const show = () => swap(main).catch(() => location.reload());
      stick("This page changed since you opened it. What you typed stays.", "Show what is new", location.href, show);
      return;
    }
    while (isBusy(main)) await pause(2_000);
    await swap(main);
  }

  async function swap(main) {
    const answer = await fetch(location.href, { headers: { "X-Part": "main" }, credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh) throw new Error("no main");
    const restore = remember(main);
    const retype = typed || main.querySelector("[data-errors]") ? typedIn(main) : () => {};
    // A list of its own first: adopting a node takes it out of the one that is walked.
    main.replaceChildren(...Array.from(fresh.childNodes).map((node) => document.adoptNode(node)));
    if (fresh.dataset.liveUrl) main.dataset.liveUrl = fresh.dataset.liveUrl;
    if (page.title) document.title = page.title;
    retype();
    dress();
    restore();
    say(main.querySelector("[data-live-say]")?.dataset.liveSay ?? "This page was updated.");
  }

  const pause = (length) => new Promise((resolve) => setTimeout(resolve, length));

  function liveWord(text) {
    for (const place of document.querySelectorAll("[data-live-word]")) place.textContent = text;
  }

  async function follow(main) {
    let failures = 0;
    for (;;) {
      if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
      if (document.hidden) continue;
      const stop = new AbortController();
      const hide = () => document.hidden && stop.abort();
      document.addEventListener("visibilitychange", hide);
      try {
        const answer = await fetch(main.dataset.liveUrl, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store", redirect: "manual", signal: stop.signal });
        if ([401, 403, 404].includes(answer.status) || answer.type === "opaqueredirect") {
          liveWord("Not live");
          stick("You are signed out, or this page is no longer yours to read. It stays as it was.", "Sign in", "/console/sign-in");
          return;
        }
        if (answer.status === 200) {
          const { seq } = await answer.json();
          const next = new URL(main.dataset.liveUrl, location.href);
          next.searchParams.set("after", seq);
          main.dataset.liveUrl = next.pathname + next.search;
          await changed(main);
        } else if (answer.status !== 204) {
          throw new Error(String(answer.status));
        }
        liveWord("Live");
        failures = 0;
        await pause(answer.status === 200 ? 1_000 : 100); // many events at once make one swap
      } catch {
        if (document.hidden) continue;
        failures += 1;
        liveWord("Not live, trying again");
        await pause(Math.min(60_000, 1_000 * 2 ** failures) * (0.75 + Math.random() / 2));
      } finally {
        document.removeEventListener("visibilitychange", hide);
      }
    }
  }

  // ---------- dressing a page, at first and after each swap ----------

  function dress() {
    localise();
    tick();
    nameTheme();
    showDigits();
    // A passkey's button that is pressed before this script listens would send an empty form.
    for (const parts of document.querySelectorAll("[data-await-script]")) parts.disabled = false;
    showTab();
  }

  /** Bring the tab on which one is into sight. */
  function showTab() {
    const tab = document.querySelector(".tabs [aria-current]");
    if (!tab) return;
    const tabs = tab.parentElement;
    tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy], [data-theme-toggle]");
    if (button?.dataset.copy !== undefined) copy(button);
    else if (button) turnTheme();
    const menu = document.querySelector(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector(".menu[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest("main")) typed = true;
    showDigits();
  });
  addEventListener("resize", showTab);
  // A tab that sticks out a little is in sight for the browser, and not for whoever looks for it.
  document.addEventListener("focusin", (event) => event.target.closest(".tabs a")?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("passkeyGet" in form.dataset || "passkeyCreate" in form.dataset) || "passkeyDone" in form.dataset) return;
    event.preventDefault();
    if (!asking) withPasskey(form, event.submitter);
  });
  // A page that comes back by the Back button asks for the passkey anew.
  addEventListener("pageshow", () => document.querySelectorAll("[data-passkey-done]").forEach((form) => delete form.dataset.passkeyDone));
  // Paper cannot be unfolded.
  const unfolded = new Set();
  addEventListener("beforeprint", () => document.querySelectorAll("main details:not([open])").forEach((fold) => unfolded.add(fold) && (fold.open = true)));
  addEventListener("afterprint", () => unfolded.forEach((fold) => unfolded.delete(fold) && (fold.open = false)));

  takeSecret();
  addEventListener("hashchange", takeSecret);
  dress();
  document.querySelector("[data-errors]")?.focus();
  setInterval(() => document.hidden || tick(), 1_000);
  setInterval(() => document.hidden || localise(), 15_000);
  const main = document.querySelector("main[data-live]");
  if (main?.dataset.liveUrl) follow(main);
})();
