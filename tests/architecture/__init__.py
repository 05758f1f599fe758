"""What must stay true of the code base as a whole."""
