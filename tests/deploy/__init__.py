"""What is in deploy/ is what it says: checked by the tools that will read it."""
