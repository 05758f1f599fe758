"""What stands before the Flask app in our own web processes: one ASGI front that cannot be held.

An event loop reads heads and bodies, waits for news and writes answers; threads only compute. So
whoever is slow, strange or large keeps nobody else waiting:

- the token is verified and the right to the route is asked before a body is waited for;
- a body that does not come in time is 408, one that is too long 413, and neither had a thread;
- large bodies have a thread of their own and go one at a time, by turn between partners;
- the health of the process has threads of its own;
- whoever waits for news is an entry in a table.

`wsgi:app` works without it, under any WSGI server; then a slow body and a slow reader hold a thread
unless a proxy buffers them, and `wait` is answered at once.
"""
