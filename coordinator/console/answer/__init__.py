"""Answering a request in the browser: what is asked of one's own organisation, and every act."""
