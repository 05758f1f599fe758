"""Cases that reference exchanges replay."""
