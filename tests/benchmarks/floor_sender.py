"""What no delivery can do without: `requests.Session.post` in a plain loop, in some threads.

Started with threads, posts and length of a body in bytes; reads the URLs from its input.
"""

import sys
import threading

import requests


def _main() -> None:
    threads, posts, length = (int(text) for text in sys.argv[1:4])
    urls = sys.stdin.read().split()
    body = b"x" * length
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "evt_01jc3m0000000000000000000",
        "webhook-timestamp": "1795377260",
        "webhook-signature": f"v1,{'x' * 44} v1a,{'x' * 88}",
    }
    go = threading.Barrier(threads)

    def work(number: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            go.wait()
            for post in range(number, posts, threads):
                session.post(urls[post % len(urls)], data=body, headers=headers, timeout=10)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    _main()
