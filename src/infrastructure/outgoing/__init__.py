"""The one door through which Weft talks HTTP to others. Nothing else opens a connection to an address that somebody may choose."""
