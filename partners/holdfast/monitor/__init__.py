"""Watching the transparency log, and cosigning it: see `holdfast.monitor.monitor`."""
