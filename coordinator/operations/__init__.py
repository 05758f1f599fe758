"""What the operator's commands do: preparing, serving, watching, checking."""
