"""The console in a real Chromium: what a page must be, and a passkey that a test holds."""
