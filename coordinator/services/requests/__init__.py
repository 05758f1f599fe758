"""From a draft to the legs: submitting, deciding, adding partners, answering questions."""
