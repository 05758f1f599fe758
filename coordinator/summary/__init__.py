"""A case as a document for people who never saw a coordinator: facts in, a signed PDF/A out."""
