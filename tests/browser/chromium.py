"""A real Chromium without a window, that keeps nothing and talks to nobody but our own server."""

import contextlib
import os
import shutil

import pytest

CLOSED_NETWORK = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-domain-reliability", "--no-first-run", "--no-default-browser-check", "--no-pings", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
WINDOW = {"width": 1280, "height": 900}
TALLEST = 16000  # a picture of a whole notebook; Chromium draws no surface beyond 16384
START_MS, PATIENCE_MS = 60_000, 15_000  # beside other work on two slow processors

# part of a console message → why it is no fault of ours
HARMLESS = {}


def path():
    """Where Debian's Chromium is; another one may be named in CHROMIUM."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not os.path.exists(found):
        pytest.skip("no chromium on this machine (apt install chromium)")
    return found


@contextlib.contextmanager
def browse(directory, address):
    """A page of a new browser; `page.faults` grows with what went wrong, in words."""
    from playwright.sync_api import expect, sync_playwright

    (directory / "tmp").mkdir(parents=True)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    homes = {"HOME": str(directory), "TMPDIR": str(directory / "tmp")}
    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            directory / "profile", executable_path=path(), headless=True, args=[*CLOSED_NETWORK, *sandbox],
            env=os.environ | homes, viewport=WINDOW, timeout=START_MS,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            page = context.pages[0]
            page.faults = []
            listen(page, address)
            yield page
        finally:
            context.close()


def listen(page, address):
    """Write down console errors, exceptions, requests that fail or leave this machine."""
    note = page.faults.append
    page.on("pageerror", lambda error: note(f"exception: {error}"))
    page.on("requestfailed", lambda request: note(f"failed: {request.method} {request.url}: {request.failure}"))
    page.on("console", lambda said: note_console(note, said))
    page.on("response", lambda reply: note_reply(note, reply))
    page.on("request", lambda request: note_stranger(note, request, address))


def note_console(note, said):
    """Errors, unless they are known to be harmless."""
    if said.type == "error" and not any(known in said.text for known in HARMLESS):
        note(f"console: {said.text} ({said.location.get('url', '')})")


def note_reply(note, reply):
    """An answer that is a refusal."""
    if reply.status >= 400:
        note(f"status {reply.status}: {reply.request.method} {reply.url}")


def note_stranger(note, request, address):
    """A request to somebody else: a class room may have no internet."""
    if not request.url.startswith((address, "data:", "blob:")):
        note(f"leaves this machine: {request.method} {request.url}")


@contextlib.contextmanager
def picture_on_failure(page, file):
    """When the block fails, draw the whole notebook into a file, and name it in the failure."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(Exception):
            draw(page, file)
            error.add_note(f"screenshot: {file}")
        raise


def draw(page, file):
    """A screenshot in which the notebook stands from its first to its last line."""
    height = page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer')?.scrollHeight ?? 0")
    page.set_viewport_size({**WINDOW, "height": min(max(WINDOW["height"], height + 200), TALLEST)})
    page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer')?.scrollTo(0, 0)")
    page.screenshot(path=file)
    page.set_viewport_size(WINDOW)
