"""How certificates of other hosts are checked."""

import ssl
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH


def default_tls() -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, or the bundled ones without any."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not (paths.capath and any(Path(paths.capath).iterdir())):
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context
