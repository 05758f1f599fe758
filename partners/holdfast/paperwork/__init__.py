"""Paperwork of a partner's own: letters, packs and reports, made on its own machine (ADR 0087).

What they say comes from a request as its reader may read it, and from a file of the partner's own.
Nothing here can send anything: `lint-imports` keeps the client out.
"""
