"""Rows of the console: sessions, passkeys, links, acts about to be signed, drafts."""
