"""Reports, holds, and what is owed on them."""
