"""What must agree with the world outside: published vectors and lists, OpenAPI and routes."""
