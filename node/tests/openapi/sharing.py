"""A project that several people have, for the cases that need one, and for those that go out as one of them."""

import email
import email.policy
import functools
import os
import time

import people
from people import DEADLINE_S, OUTBOX, ask, new_email, somebody

# As whom every case of a project goes out, if as one of them.
AS = os.environ.get("VISIOBOOK_AS")
BOOK = "Chapter One\n\n" + "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. " * 20


@functools.cache
def owner():
    people.claimed()
    return somebody()


@functools.cache
def project():
    """Its id, and its run's, once that is done."""
    made = ask("/api/v1/projects", params={"name": "lamp.txt"}, data=BOOK.encode(), headers=owner()[0]).json()
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        found = ask(f"/api/v1/projects/{made['id']}", "GET", headers=owner()[0]).json()
        if found["run"]["state"]["state"] == "ready":
            return made["id"], made["run"]["id"]
        time.sleep(0.1)
    raise AssertionError("the run is not done")


def place(rest):
    return f"/api/v1/projects/{project()[0]}/{rest}"


def invitation(address, role="viewer"):
    """Its id, and its token."""
    made = ask(place("invitations"), json={"email": address, "role": role}, headers=owner()[0]).json()
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        for path in sorted(OUTBOX.glob("*.eml"), reverse=True):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["To"] == address and "#vi_" in mail.get_content():
                return made["id"], mail.get_content().split("#")[1].split()[0]
        time.sleep(0.02)
    raise AssertionError(f"no invitation to {address}")


def joined(role="viewer"):
    """Headers and id of a new member."""
    headers, address, account = somebody()
    ask("/api/v1/invitations/accept", json={"token": invitation(address, role)[1]}, headers=headers)
    return headers, account


def link():
    """Id and token of a new share link."""
    made = ask(place("links"), json={"name": "a link", "valid_s": 3600}, headers=owner()[0]).json()
    token = made["url"].split("#")[1]
    return made["link"]["id"], token


@functools.cache
def headers_as():
    if AS != "share":
        return joined(AS)[0]
    opened = ask("/api/v1/links/open", json={"token": link()[1]})
    return {"Cookie": opened.headers["set-cookie"].split(";")[0]}


def go_as(case, is_positive):
    """The case goes out as one of them."""
    case.headers.update(headers_as())
    if is_positive:
        known = {"project": project()[0], "run": project()[1], "name": "book.json", "revision": 1}
        for name in case.path_parameters or {}:
            case.path_parameters[name] = known.get(name, case.path_parameters[name])


BODIES = {
    "changeMember": lambda: {"role": "editor"},
    "inviteMember": lambda: {"email": new_email(), "role": "viewer"},
    "makeShareLink": lambda: {"name": "a link", "valid_s": 3600},
    "openShareLink": lambda: {"token": link()[1]},
}


def before_call(operation, case, is_positive, is_prepared):
    """Cases are the owner's; what is to be refused goes out as it was generated."""
    headers = dict(owner()[0])
    if operation == "openShareLink":
        headers = {}
    if is_positive and is_prepared and operation == "acceptInvitation":
        headers, address, _ = somebody()
        case.body, case.media_type = {"token": invitation(address)[1]}, "application/json"
    case.headers.update(headers)
    if not is_positive:
        return
    for name in case.path_parameters or {}:
        if name == "project":
            case.path_parameters[name] = project()[0]
        elif is_prepared and name == "account":
            case.path_parameters[name] = joined()[1]
        elif is_prepared and name == "invitation":
            case.path_parameters[name] = invitation(new_email())[0]
        elif is_prepared and name == "link":
            case.path_parameters[name] = link()[0]
    if is_prepared and operation in BODIES:
        case.body, case.media_type = BODIES[operation](), "application/json"
