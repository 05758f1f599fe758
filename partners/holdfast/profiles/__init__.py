"""Who acts, with which key: profiles on this machine, and requests to have keys granted."""
