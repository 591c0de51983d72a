"""Requests to servers that tests start, each over a connection of its own, as `httpx` makes them.

None of these speaks TLS, and httpx loads all certificates of the world for each request: twenty times the cost of the request itself.
"""

import ssl
from functools import partial

import httpx

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

get = partial(httpx.get, verify=_TRUSTS_NOBODY)
post = partial(httpx.post, verify=_TRUSTS_NOBODY)
patch = partial(httpx.patch, verify=_TRUSTS_NOBODY)
delete = partial(httpx.delete, verify=_TRUSTS_NOBODY)
request = partial(httpx.request, verify=_TRUSTS_NOBODY)
stream = partial(httpx.stream, verify=_TRUSTS_NOBODY)
