"""Label values come from users; a time series for each would sink the server that scrapes them."""

OTHER = "other"


class BoundedLabel:
    """Lets the first `most` distinct values through; whatever comes later is `other`."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value
