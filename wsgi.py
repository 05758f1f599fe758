"""The WSGI callable: `wsgi:app`, for Granian or any other server."""

import os

from coordinator.app import create_app
from coordinator.logging_setup import set_up_logging
from coordinator.settings import Settings

settings = Settings.from_env(os.environ)
set_up_logging(settings.log_level, settings.log_format)
app = create_app(settings)
app.extensions["holdfast"].read_log.start()
