"""What the OpenAPI document says of routes and models beyond their types."""
