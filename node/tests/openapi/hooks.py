"""What schemathesis can't guess: real ids, real books, the order in which things are done.

Cases that are to be refused go out as they were generated. Of the others, every second one of an operation is
replaced by a request that must succeed; the rest keep what was generated, at addresses that exist. Whatever a
request uses up (a project that is deleted, an upload that is removed) is made for it alone.
"""

import base64
import functools
import hashlib
import io
import itertools
import os
import pathlib
import struct
import sys
import threading
import time
import zipfile
import zlib
from collections import defaultdict

import requests
import schemathesis

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import people  # noqa: E402
import sharing  # noqa: E402

BASE = os.environ["VISIOBOOK_BASE"]
DEADLINE_S = 60
TUS = {"Tus-Resumable": "1.0.0"}
# Who asks, where that is a program with a key.
KEY = os.environ.get("VISIOBOOK_KEY")
# What they are to the node, where that is more than a user.
ROLE = os.environ.get("VISIOBOOK_ROLE")

calls = defaultdict(itertools.count)
books = itertools.count()
lock = threading.Lock()


@functools.cache
def who():
    """Headers of whoever asks: a program, an operator, or somebody who sits at the machine."""
    if KEY:
        return {"Authorization": f"Bearer {KEY}"}
    return people.somebody_with(ROLE) if ROLE else {}


def ask(method, path, **more):
    """A request of the preparation, which must succeed."""
    headers = who() | more.pop("headers", {})
    answer = requests.request(method, BASE + path, timeout=DEADLINE_S, headers=headers, **more)
    assert answer.ok, f"preparing failed: {method} {path}: {answer.status_code} {answer.text}"
    return answer


def book():
    """A book that no other project has."""
    with lock:
        number = next(books)
    said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her where it was going. "
    chapter = f"The keeper wrote the number {number} on the door and shut it. " + said * 20
    return f"Chapter One\n\n{chapter}\n\nChapter Two\n\n{said * 20}\n".encode()


def new_project():
    return ask("POST", "/api/v1/projects?name=lamp.txt", data=book()).json()["id"]


def ready_project():
    """A project whose first run has finished, and that run."""
    project = new_project()
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        run = ask("GET", f"/api/v1/projects/{project}").json()["run"]
        if run["state"]["state"] == "ready":
            return {"project": project, "run": run["id"]}
        time.sleep(0.05)
    raise AssertionError(f"the run of {project} is not ready after {DEADLINE_S} s: {run}")


def cancelled_run():
    """A project whose first run was cancelled before it was done."""
    for _ in range(20):
        project = new_project()
        run = ask("GET", f"/api/v1/projects/{project}").json()["run"]["id"]
        state = ask("POST", f"/api/v1/projects/{project}/runs/{run}/cancel").json()["state"]["state"]
        if state == "cancelled":
            return {"project": project, "run": run}
    raise AssertionError("no run could be cancelled before it was done")


def new_upload():
    head = TUS | {"Upload-Length": "10", "Upload-Metadata": "filename " + base64.b64encode(b"a.txt").decode()}
    return ask("POST", "/api/v1/uploads", headers=head).json()["id"]


def edited(*then):
    """A project whose storyboard has an edit and what came then; and what the next one must say."""
    made = ready_project()
    at = f"/api/v1/projects/{made['project']}/storyboard"
    edit = {"do": "note", "panel": 0, "text": "dusk"}
    ask("POST", f"{at}/edits", json={"run": made["run"], "version": 0, "edit": edit})
    for version, what in enumerate(then, 1):
        ask("POST", f"{at}/{what}", json={"run": made["run"], "version": version})
    return made["project"], {"run": made["run"], "version": 1 + len(then)}


def soon_deleted():
    """A project that is deleted while its events are followed: so the stream ends."""
    project = new_project()
    threading.Timer(0.3, ask, ("DELETE", f"/api/v1/projects/{project}")).start()
    return {"project": project}


@functools.cache
def shared_project():
    """What is only read, made once."""
    return ready_project()


def new_webhook():
    with lock:
        number = next(books)
    return ask("POST", "/api/v1/webhooks", json={"url": f"https://receiver-{number}.example.org/"}).json()["id"]


@functools.cache
def shared_webhook():
    return new_webhook()


@functools.cache
def shared_analysis():
    return ask("POST", "/api/v1/analysis/summarize", json={"project": shared_project()["project"]}).json()["id"]


def picture():
    """A PNG of one grey."""
    def part(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = b"".join(b"\0" + b"\x77" * 3 * 64 for _ in range(96))
    head = struct.pack(">IIBBBBB", 64, 96, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


@functools.cache
def covered_project():
    """A project of an EPUB with a cover."""
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
        'full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package version="3.0" unique-identifier="id" xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">lamp</dc:identifier><dc:title>Lamp'
        '</dc:title><dc:language>en</dc:language></metadata><manifest><item id="c" href="cover.png" '
        'media-type="image/png" properties="cover-image"/><item id="t" href="text.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="t"/></spine></package>'
    )
    told = "The ferry left at nine, and nobody had told Anna where it was going. " * 30
    text = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Lamp</title></head><body><h1>Chapter One</h1>'
        f"<p>{told}</p></body></html>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book.opf", package)
        archive.writestr("text.xhtml", text)
        archive.writestr("cover.png", picture())
    return {"project": ask("POST", "/api/v1/projects?name=lamp.epub", data=file.getvalue()).json()["id"]}


# Operations whose path may not be the shared project's: each gets what it uses up.
USES_UP = {
    "deleteProject": lambda: {"project": new_project()},
    "changeProject": lambda: {"project": new_project()},
    "addRevision": ready_project,
    "startRun": ready_project,
    "retryRun": cancelled_run,
    "editStoryboard": ready_project,
    "events": soon_deleted,
    "removeUpload": lambda: {"upload": new_upload()},
    "appendUpload": lambda: {"upload": new_upload()},
    "getUpload": lambda: {"upload": new_upload()},
    "getWebhook": lambda: {"webhook": shared_webhook()},
    "changeWebhook": lambda: {"webhook": shared_webhook()},
    "webhookSecrets": lambda: {"webhook": shared_webhook()},
    "deleteWebhook": lambda: {"webhook": new_webhook()},
    "analysisStatus": lambda: {"analysis": shared_analysis()},
    "cover": covered_project,
    "referenceFile": lambda: {"file": "index.html"},
}


def deleted_project():
    project = new_project()
    ask("DELETE", f"/api/v1/projects/{project}")
    return {"project": project}


def places(operation):
    """Path parameters that exist."""
    if operation == "restoreProject":
        return deleted_project()
    if operation in USES_UP:
        return USES_UP[operation]()
    return shared_project() | {"revision": 1, "name": "storyboard.json", "tenant": "00000000-0000-0000-0000-000000000000"}


def prepared(operation, case, known):
    """Makes the case one that must succeed."""
    case.query, case.cookies = {}, {}
    case.headers.clear()
    if operation == "createProject":
        case.query, case.body, case.media_type = {"name": "lamp.txt"}, book(), "application/octet-stream"
    elif operation == "addRevision":
        case.query, case.body, case.media_type = {"name": "lamp.txt"}, book(), "application/octet-stream"
    elif operation == "createUpload":
        name = base64.b64encode(b"a.txt").decode()
        case.headers.update(TUS | {"Upload-Length": "10", "Upload-Metadata": f"filename {name}"})
    elif operation == "appendUpload":
        case.headers.update(TUS | {"Upload-Offset": "0"})
        case.body, case.media_type = "ten bytes.", "application/offset+octet-stream"
    elif operation == "removeUpload":
        case.headers.update(TUS)
    elif operation == "changeProject":
        case.body, case.media_type = {"description": "A book about lamps."}, "application/merge-patch+json"
    elif operation == "startRun":
        case.body, case.media_type = {"settings": {"panel_words": 60}}, "application/json"
    elif operation == "setShare":
        case.query = {"weight": 100}
    elif operation == "editStoryboard":
        edit = {"do": "caption", "panel": 0, "text": "Later."}
        case.body = {"run": known["run"], "version": 0, "edit": edit}
        case.media_type = "application/json"
    elif operation in ("undoEdit", "redoEdit"):
        then = [] if operation == "undoEdit" else ["undo"]
        case.path_parameters["project"], case.body = edited(*then)
        case.media_type = "application/json"
    elif operation == "createWebhook":
        case.body, case.media_type = {"url": "https://receiver.example.org/"}, "application/json"
    elif operation == "changeWebhook":
        case.body, case.media_type = {}, "application/merge-patch+json"
    elif operation in ("analyseSemantic", "analyseScenes", "analyseSummary"):
        case.body, case.media_type = {"text": book().decode()}, "application/json"
    elif operation == "backup":
        case.body, case.media_type = {}, "application/json"
    elif operation == "signedFile":
        at = shared_project()["project"]
        link = ask("POST", f"/api/v1/projects/{at}/files/book.json/link").json()
        case.path_parameters["token"] = link["path"].rsplit("/", 1)[1]


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(context, value):
    """A part of an upload goes out as it is."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def filter_case(context, case):
    """HTTP has every server ignore headers that it does not know, so these are no mistake to refuse."""
    return "x-schemathesis-unknown-property" not in (case.headers or {})


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw["operationId"]
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if ROLE and operation in people.ADMINS:
        case.headers.update(who())
        return
    if case.operation.definition.raw["tags"] == ["accounts"]:
        with lock:
            nth = next(calls[operation]) if is_positive else 1
        people.before_call(operation, case, is_positive, nth % 2 == 0)
        return
    if sharing.AS:
        sharing.go_as(case, is_positive)
        return
    if case.operation.definition.raw["tags"] == ["sharing"]:
        with lock:
            nth = next(calls[operation]) if is_positive else 1
        sharing.before_call(operation, case, is_positive, nth % 2 == 0)
        return
    before_call_of_tenant(operation, case, is_positive)
    # After what is prepared, which clears them.
    case.headers.update(who())


def before_call_of_tenant(operation, case, is_positive):
    """Cases of somebody who has projects of their own."""
    if not is_positive:
        return
    with lock:
        nth = next(calls[operation])
    known = places(operation)
    for name in case.path_parameters or {}:
        if name in known:
            case.path_parameters[name] = known[name]
    if case.headers and "upload-checksum" in case.headers:
        # Of the form that the document demands, which the coverage phase does not keep to; of other bytes.
        digest = base64.b64encode(hashlib.sha256(b"else").digest()).decode()
        case.headers["upload-checksum"] = f"sha256 {digest}"
    if nth % 2 == 0:
        prepared(operation, case, known)
