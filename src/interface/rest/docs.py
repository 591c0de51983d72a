"""A page that lists every route, made from the OpenAPI document: it needs no script and no network."""

from html import escape

from interface.rest.openapi import OpenApi

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2430;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2rem;text-transform:capitalize}
code{font:14px ui-monospace,monospace}dt{margin-top:.8rem}dd{margin:.1rem 0 0 1.2rem;color:#4a5568}
b{display:inline-block;min-width:3.5rem}
@media(prefers-color-scheme:dark){body{color:#e6e9ef;background:#14171c}dd{color:#a3adbd}a{color:#8ab4ff}}
"""


def page(document: OpenApi) -> str:
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(_entry(path, method, operation))
    body = "".join(f"<h2>{escape(name)}</h2><dl>{''.join(entries)}</dl>" for name, entries in groups.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{escape(document['info']['description'])}</p>"
        f'<p>The whole description: <a href="openapi.json">openapi.json</a></p>{body}</body></html>'
    )


def _entry(path: str, method: str, operation: OpenApi) -> str:
    others = [parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] != "path"]
    names = ", ".join(f"<code>{escape(name)}</code>" for name in others)
    says = escape(operation.get("description") or operation.get("summary", ""))
    takes = f"<br>Takes {names}." if names else ""
    return f"<dt><code><b>{method.upper()}</b> {escape(path)}</code></dt><dd>{says}{takes}</dd>"
