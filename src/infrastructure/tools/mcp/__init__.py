"""Tools of servers of the Model Context Protocol. Nothing here imports its SDK, which takes a second, before a server is talked to."""
