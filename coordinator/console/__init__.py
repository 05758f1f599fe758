"""Pages for people: server-rendered, with the same reads, commands and rights as the API.

Nothing is possible here that the API refuses. What a page shows it reads by the API's own views;
what a person does is prepared as the API's call, signed by their passkey, and carried out by the
API's pipeline. `docs/console.md` says how the pages are made.
"""
