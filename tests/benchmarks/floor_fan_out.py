"""What no fan-out can do without: our own sender signs and posts bodies that lie in memory.

Started with posts and length of a body in bytes; reads the URLs from its input and prints when it
began, in monotonic seconds.
"""

import queue
import sys
import threading
import time
from datetime import timedelta
from ipaddress import ip_network

from coordinator.dispatcher.webhook_sender import SenderSettings, WebhookSender
from coordinator.egress.address_guard import EndpointPolicy
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.webhook_signature import new_secret, sign

SENDERS = 128


def _main() -> None:
    posts, length = int(sys.argv[1]), int(sys.argv[2])
    urls = sys.stdin.read().split()
    sender = WebhookSender(
        EndpointPolicy(allowed_networks=(ip_network("127.0.0.0/8"),)),
        SenderSettings(
            connect_timeout=timedelta(seconds=3), deadline=timedelta(seconds=10), pool_size=posts
        ),
    )
    key, secrets = PrivateKey.generate(), [new_secret() for _ in urls]
    body = b"x" * length
    jobs: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def work() -> None:
        while (post := jobs.get()) is not None:
            now = int(time.time())
            headers = sign(
                f"evt_{post:026}", now, body, secrets=[secrets[post % len(urls)]], keys=[key]
            )
            outcome = sender.send(urls[post % len(urls)], headers, body)
            if not outcome.ok:
                raise AssertionError(outcome.detail)

    workers = [threading.Thread(target=work) for _ in range(min(SENDERS, posts))]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    for post in [*range(posts), *[None] * len(workers)]:
        jobs.put(post)
    for worker in workers:
        worker.join()
    print(began)  # noqa: T201 - what it is for


if __name__ == "__main__":
    _main()
