"""The kit that a partner exchange installs: protocol, client, webhook receiver, command line."""
