"""The summary of a case as a document: facts, page, signature, timestamps."""
