"""The transparency log: what makes a changed, dropped or backdated line show."""
