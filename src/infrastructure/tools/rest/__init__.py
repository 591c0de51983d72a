"""Tools behind a URL: a config says how arguments become a request, and an answer the output."""
