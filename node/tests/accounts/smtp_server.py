"""A mail server that takes letters but for two addresses: refused@ is answered 550, later@ 451 at first.

Says its port, then each letter that it took, one JSON value a line.
"""

import email
import email.policy
import json
import socket
import sys
import time

from aiosmtpd.controller import Controller

seen = {"later": 0}


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            say({"refused": address})
            return "550 no such mailbox"
        if address.startswith("later@"):
            seen["later"] += 1
            if seen["later"] < 3:
                say({"later": address})
                return "451 busy, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = mail.get_content()
        say({"to": envelope.rcpt_tos, "from": envelope.mail_from, "text": text})
        return "250 taken"


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
controller = Controller(Handler(), hostname="127.0.0.1", port=port)
controller.start()
say(port)
while sys.stdin.read(1):
    time.sleep(0.1)
controller.stop()
