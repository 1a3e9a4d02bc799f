"""Accounts for the cases that need some: the node is claimed by an admin, and people sign up as they are wanted."""

import base64
import email
import email.policy
import functools
import hashlib
import hmac
import itertools
import os
import pathlib
import struct
import time

import requests

BASE = os.environ["VISIOBOOK_BASE"]
CODE = os.environ.get("VISIOBOOK_CLAIM_CODE")
OUTBOX = pathlib.Path(os.environ.get("VISIOBOOK_OUTBOX", "."))
PASSWORD = "a lamp upon the ferry"
ADMIN = "admin@example.org"
DEADLINE_S = 60
numbers = itertools.count()


def ask(path, method="POST", **more):
    answer = requests.request(method, BASE + path, timeout=DEADLINE_S, **more)
    assert answer.ok, f"preparing failed: {method} {path}: {answer.status_code} {answer.text}"
    return answer


def of(answer):
    """Headers of whom an answer signed in."""
    cookie = answer.headers["set-cookie"].split(";")[0]
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}


@functools.cache
def claimed():
    """The node has its first account."""
    return ask("/api/v1/auth/claim", json={"code": CODE, "email": ADMIN, "password": PASSWORD, "name": "Admin"})


def admin():
    """An admin who has just signed in: a session is recent for ten minutes."""
    claimed()
    return of(ask("/api/v1/auth/sign-in", json={"email": ADMIN, "password": PASSWORD}))


def letter(address):
    """The token of the newest letter to an address."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        for path in sorted(OUTBOX.glob("*.eml"), reverse=True):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["To"] == address and "#vl_" in mail.get_content():
                return mail.get_content().split("#")[1].split()[0]
        time.sleep(0.02)
    raise AssertionError(f"no letter to {address}")


def new_email():
    return f"anna{next(numbers)}@example.org"


def signed_up():
    """An address that is to be confirmed, and its token."""
    claimed()
    address = new_email()
    ask("/api/v1/auth/sign-up", json={"email": address, "password": PASSWORD, "name": "Anna"})
    return address, letter(address)


def somebody():
    """Somebody who is signed in, of whom nothing else is known: their headers, address and id."""
    address, token = signed_up()
    answer = ask("/api/v1/auth/confirm", json={"token": token, "password": PASSWORD})
    return of(answer), address, answer.json()["account"]["id"]


def somebody_with(role):
    """Somebody whom the admin gave a role, who signed in with it."""
    _, address, account = somebody()
    ask(f"/api/v1/accounts/{account}/role", "PUT", headers=admin(), json={"role": role})
    return of(ask("/api/v1/auth/sign-in", json={"email": address, "password": PASSWORD}))


@functools.cache
def other():
    """Somebody whom admins look at."""
    return somebody()


def reset_token():
    _, address, _ = somebody()
    before = set(OUTBOX.glob("*.eml"))
    ask("/api/v1/auth/forgot", json={"email": address})
    until = time.monotonic() + DEADLINE_S
    while not set(OUTBOX.glob("*.eml")) - before and time.monotonic() < until:
        time.sleep(0.02)
    return letter(address)


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@functools.cache
def collector():
    """Somebody who has a picture, and an archive of their data that can be downloaded."""
    headers = somebody()[0]
    ask("/api/v1/account/avatar", "PUT", headers=headers, data=PICTURE)
    ask("/api/v1/account/export", headers=headers)
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        if ask("/api/v1/account/export", "GET", headers=headers).json()["state"] == "ready":
            return headers
        time.sleep(0.05)
    raise AssertionError("an archive was never ready")


def code_of(secret):
    """What an authenticator app says now (RFC 6238)."""
    step = struct.pack(">Q", int(time.time()) // 30)
    mac = hmac.new(base64.b32decode(secret), step, hashlib.sha1).digest()
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def with_app():
    """Somebody whose app was told a secret, and that."""
    headers = somebody()[0]
    return headers, ask("/api/v1/account/second-factor", headers=headers).json()["secret"]


def guarded():
    """Somebody whose second factor is on, and their codes to recover with."""
    headers, secret = with_app()
    said = ask("/api/v1/account/second-factor", "PUT", headers=headers, json={"code": code_of(secret)})
    return headers, said.json()["codes"]


def new_key(headers):
    """A key of somebody's, who never has more than a few."""
    keys = ask("/api/v1/account/keys", "GET", headers=headers).json()["keys"]
    for key in keys if len(keys) > 20 else []:
        ask(f"/api/v1/account/keys/{key['id']}", "DELETE", headers=headers)
    made = ask("/api/v1/account/keys", headers=headers, json={"name": "k", "scopes": ["read"], "valid_s": 600})
    return made.json()["key"]["id"]


PUBLIC = {
    "claimNode", "signUp", "confirmAddress", "signIn", "forgotPassword", "resetPassword", "beginFlow", "endFlow",
}
ADMINS = {"findAccount", "changeRole", "activityOfAccount", "listAccounts"}


def prepared(operation, case):
    """Makes the case one that must succeed."""
    case.query = {}
    if operation == "signUp":
        case.body = {"email": new_email(), "password": PASSWORD, "name": "Anna"}
    elif operation == "confirmAddress":
        case.body = {"token": signed_up()[1], "password": PASSWORD}
    elif operation == "signIn":
        case.body = {"email": ADMIN, "password": PASSWORD}
    elif operation == "forgotPassword":
        case.body = {"email": new_email()}
    elif operation == "resetPassword":
        case.body = {"token": reset_token(), "password": "nine keepers of the door"}
    elif operation == "sayPassword":
        case.body = {"password": PASSWORD}
    elif operation == "changePassword":
        case.body = {"current": PASSWORD, "password": "nine keepers of the door"}
    elif operation == "leave":
        case.body = {"email": leaver()[1], "password": PASSWORD}
    elif operation == "changeAddress":
        case.body = {"email": new_email()}
    elif operation == "changeAccount":
        case.body = {"name": "Anna Lamp"}
    elif operation == "findAccount":
        case.query = {"email": other()[1]}
    elif operation == "putAvatar":
        case.body, case.media_type = PICTURE, "application/octet-stream"
    elif operation == "changeRole":
        case.body = {"role": "operator"}
    elif operation == "makeKey":
        new_key(shared())
        case.body = {"name": "key", "scopes": ["read", "write"], "valid_s": 600}
    elif operation == "confirmSecondFactor":
        headers, secret = with_app()
        case.headers.update(headers)
        case.body = {"code": code_of(secret)}
    elif operation in ("removeSecondFactor", "renewRecoveryCodes"):
        headers, codes = guarded()
        case.headers.update(headers)
        case.body = {"code": codes[0]}
    if case.body and isinstance(case.body, dict):
        case.media_type = "application/merge-patch+json" if operation == "changeAccount" else "application/json"


@functools.cache
def shared_admin():
    return admin()


@functools.cache
def shared():
    """Somebody whose session no case ends."""
    return somebody()[0]


leavers = []


def leaver():
    """Somebody who is about to leave: another one once they are signed out."""
    if not leavers or requests.get(BASE + "/api/v1/account", headers=leavers[-1][0], timeout=DEADLINE_S).status_code != 200:
        leavers.append(somebody())
    return leavers[-1]


@functools.cache
def burner():
    """The address of somebody whose sessions end all the time."""
    return somebody()[1]


def headers_for(operation):
    if operation in ADMINS:
        return shared_admin()
    if operation in ("changePassword", "beginExport"):
        return somebody()[0]
    if operation in ("getExport", "linkExport", "getAvatar"):
        return collector()
    if operation == "leave":
        return leaver()[0]
    if operation in ("signOut", "endSession", "endSessions"):
        return of(ask("/api/v1/auth/sign-in", json={"email": burner(), "password": PASSWORD}))
    return shared()


def before_call(operation, case, is_positive, is_prepared):
    """Cases of those who are signed in are somebody's; what is to be refused goes out as it was generated."""
    claimed()
    headers = {} if operation in PUBLIC else headers_for(operation)
    case.headers.update(headers)
    if not is_positive:
        return
    for name in case.path_parameters or {}:
        if name == "account":
            case.path_parameters[name] = other()[2]
        elif name == "key":
            case.path_parameters[name] = new_key(headers)
        elif name == "session":
            listed = ask("/api/v1/account/sessions", "GET", headers=headers).json()["sessions"]
            case.path_parameters[name] = listed[0]["id"]
    if is_prepared:
        prepared(operation, case)
