"""One request after it went out: its answers, what happened, the money, and what one may do."""
