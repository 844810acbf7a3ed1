"""The GraphiQL page: from files on this machine, without the internet; from a CDN only for a person who asked for it.

The files come from npm by `scripts/fetch-graphiql` and are not in the repository. Where they are missing the page
says so, in English and Chinese. Scripts run by nonce only, so that nothing a system answers can become one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

__all__ = ["ASSETS", "Asset", "GraphiQLPage", "Sample", "load_assets", "load_samples"]

ASSETS = Path(__file__).parent / "assets"
ASSETS_ROUTE = "/graphiql"
CDN = "https://cdn.jsdelivr.net"
OWN_FILES = ("page.js", "page.css")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of GraphiQL: where npm has it, and its hash (so that a CDN cannot send another)."""

    file: str
    package: str
    version: str
    path: str
    integrity: str

    @property
    def cdn_url(self) -> str:
        return f"{CDN}/npm/{self.package}@{self.version}/{self.path}"


@dataclass(frozen=True, slots=True)
class Sample:
    """A query in a tab; `variables` as JSON text."""

    name: str
    query: str
    variables: str = ""


def load_assets(folder: Path = ASSETS) -> tuple[Asset, ...]:
    return tuple(Asset(**entry) for entry in orjson.loads((folder / "files.json").read_bytes()))


def load_samples(folder: Path = ASSETS / "sample_queries") -> tuple[Sample, ...]:
    """`NAME.graphql`, with its variables in `NAME.json` beside it, in order of name."""
    samples = []
    for path in sorted(folder.glob("*.graphql")):
        variables = path.with_suffix(".json")
        text = variables.read_text(encoding="utf-8") if variables.is_file() else ""
        samples.append(Sample(path.stem, path.read_text(encoding="utf-8"), text))
    return tuple(samples)


@dataclass(frozen=True, slots=True)
class GraphiQLPage:
    """folder: where `graphiql/` and our own files lie; token: what the headers start with, shown to everyone."""

    assets: tuple[Asset, ...]
    samples: tuple[Sample, ...] = ()
    folder: Path = ASSETS
    endpoint: str = "/graphql"
    cdn: bool = False
    token: str = field(default="", repr=False)

    @property
    def installed(self) -> bool:
        return all((self.folder / "graphiql" / asset.file).is_file() for asset in self.assets)

    def respond(self, request: Request) -> Response:
        """The page; `?cdn=1` is what the person clicked."""
        nonce = secrets.token_urlsafe(16)
        if self.installed:
            return _page(self._html(nonce, cdn=False), _policy(nonce))
        if self.cdn or request.query_params.get("cdn") == "1":
            return _page(self._html(nonce, cdn=True), _policy(nonce, CDN))
        return _page(_missing(nonce), _policy(nonce))

    async def asset(self, request: Request) -> Response:
        """One of the known files; no other name reaches the disk."""
        name = request.path_params["file"]
        if name in OWN_FILES:
            path = self.folder / name
        elif any(asset.file == name for asset in self.assets):
            path = self.folder / "graphiql" / name
        else:
            raise HTTPException(404)
        if not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, headers={"cache-control": "public, max-age=300"})

    def _html(self, nonce: str, *, cdn: bool) -> str:
        tags = [_tag(asset, nonce, cdn=cdn) for asset in self.assets]
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else None
        config = {"endpoint": self.endpoint, "headers": headers, "samples": _plain(self.samples)}
        return _document(
            nonce,
            head="\n".join(tags),
            body=f"""<body><div id="graphiql"></div>
<script nonce="{nonce}" type="application/json" id="config">{_json_in_html(config)}</script>
<script nonce="{nonce}" src="{ASSETS_ROUTE}/page.js"></script></body>""",
        )


def _plain(samples: Sequence[Sample]) -> list[Mapping[str, str]]:
    return [{"name": sample.name, "query": sample.query, "variables": sample.variables} for sample in samples]


def _tag(asset: Asset, nonce: str, *, cdn: bool) -> str:
    url = asset.cdn_url if cdn else f"{ASSETS_ROUTE}/{asset.file}"
    checked = f'integrity="{asset.integrity}" crossorigin="anonymous"' if cdn else ""
    if asset.file.endswith(".css"):
        return f'<link rel="stylesheet" href="{url}" {checked}>'
    return f'<script nonce="{nonce}" src="{url}" {checked}></script>'


def _document(nonce: str, *, head: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Quanyu 全域 GraphiQL</title>
<meta name="viewport" content="width=device-width"><meta property="csp-nonce" nonce="{nonce}"><link rel="icon" href="data:,">
{head}
<link rel="stylesheet" href="{ASSETS_ROUTE}/page.css"></head>
{body}</html>
"""


def _missing(nonce: str) -> str:
    return _document(
        nonce,
        head="",
        body=f"""<body class="notice"><main>
<h1>GraphiQL is not installed here · 尚未安装 GraphiQL</h1>
<p>The gateway works; only this page lacks its files. They come from npm, once:</p>
<p lang="zh">网关运行正常，仅本页面缺少文件。请用 npm 安装一次：</p>
<pre>scripts/fetch-graphiql</pre>
<p>Then load this page again. Queries go to <code>POST /graphql</code> meanwhile.<br>
<span lang="zh">安装后刷新本页即可；在此之前可直接向 <code>POST /graphql</code> 发送查询。</span></p>
<p><a class="button" href="?cdn=1">Load it from a CDN · 从 CDN 加载</a></p>
<p class="small">The button makes your browser fetch four files from {escape(CDN)}, checked against known hashes.
Your queries and answers stay between this browser and the gateway.<br>
<span lang="zh">点击后浏览器将从 {escape(CDN)} 下载四个文件，并校验其哈希值；查询与结果只在本浏览器和网关之间传输。</span></p>
</main></body>""",
    )


def _policy(nonce: str, other: str = "") -> str:
    """Scripts by nonce only. Styles may be inline: the editor writes them, and they cannot run anything."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'self' 'unsafe-inline' {other}".rstrip(),
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _page(html: str, policy: str) -> Response:
    return HTMLResponse(html, headers={"content-security-policy": policy, "vary": "accept"})


def _json_in_html(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return (
        orjson.dumps(value).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )
