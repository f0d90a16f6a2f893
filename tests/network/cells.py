"""One cell of the table: a proxy, a trust and a resolver, in which AiHubMix's own names lead to a gateway of ours.

Runs `gpt4o-image check` and `generate` as a user does, with no base URL set, and compares with what must come.
"""

import contextlib
import io
import itertools
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fake_gateway import FakeGateway, picture, png, reply, sse, tunnel
from fake_socks import FakeSocks
from place import PLACEHOLDER, PROXY, PUBLIC

from gpt4o_image.command.main import main
from gpt4o_image.gateway.aihubmix import BASE_URLS, PICTURE_HOST
from gpt4o_image.gateway.transport import CA_VARIABLES
from gpt4o_image.urls import origin

PROXIES = ("none", "HTTP", "HTTPS", "SOCKS5", "SOCKS5h", "SOCKS4")
TRUSTS = ("system store", *CA_VARIABLES, "untrusted")
RESOLVERS = ("normal", "fake-ip", "proxy only")
NAMES = [origin(url)[1] for url in (*BASE_URLS, PICTURE_HOST)]
LINK = f"{PICTURE_HOST}/cdn/20261128/a.png"
MODELS = {"data": [{"id": "gpt-4o-image"}, {"id": "gpt-4o-image-vip"}]}


@dataclass(frozen=True)
class Cell:
    proxy: str
    trust: str
    resolver: str

    @property
    def reached(self):
        return self.proxy != "none" or self.resolver != "proxy only"

    @property
    def works(self):
        return self.reached and self.trust != "untrusted"


def every_cell():
    """In the table's order: a row for each proxy and trust, a column for each resolver."""
    return [Cell(*kinds) for kinds in itertools.product(PROXIES, TRUSTS, RESOLVERS)]


def some_cells():
    """Each proxy with each resolver, and each trust three times."""
    pairs = itertools.product(enumerate(PROXIES), enumerate(RESOLVERS))
    return [Cell(proxy, TRUSTS[(p + 2 * r) % len(TRUSTS)], resolver) for (p, proxy), (r, resolver) in pairs]


@dataclass(frozen=True)
class Seen:
    """What came of a cell. `wrong` is empty where it is what must come."""

    check: str
    call: str
    download: str
    wrong: tuple[str, ...]


class Tries:
    """Cells, one after the other, in a furnished place. `folder` takes what they write."""

    def __init__(self, folder, dns, public_ca, private_ca):
        self._folder = folder
        self._dns = dns
        self._public_ca = public_ca
        self._private_ca = private_ca
        self._count = itertools.count()

    def run(self, cell):
        home = self._folder / f"cell_{next(self._count)}"
        self._dns.names = {name: {"normal": PUBLIC, "fake-ip": PLACEHOLDER}.get(cell.resolver) for name in NAMES}
        if cell.resolver == "proxy only":
            self._dns.names = {}
        self._dns.asked.clear()
        ca = self._public_ca if cell.trust == "system store" else self._private_ca
        with _gateway(ca) as gateway, _proxy(cell.proxy, ca) as proxy:
            variables = {"ALL_PROXY": proxy} if proxy else {}
            if cell.trust in CA_VARIABLES:
                variables[cell.trust] = str(ca.pem.parent if cell.trust == "SSL_CERT_DIR" else ca.pem)
            with _environment({**variables, "GPT4O_IMAGE_HOME": str(home), "AIHUBMIX_API_KEY": "sk-network-test"}):
                findings = _command("check", "--json")
                answer = _command("generate", "a paper boat", "--json", "--out", str(home / "out"))
            return self._judge(cell, findings, answer, gateway)

    def _judge(self, cell, findings, answer, gateway):
        failed = {finding["name"]: finding["text"] for finding in findings if not finding["ok"]}
        error = answer["error"] or {}
        files = [Path(image["path"]).read_bytes() for image in answer["images"]]
        told = json.dumps([failed, error])
        must = {
            "check": (set(failed), set() if cell.works else {"host", "downloads"}),
            "call": ((error.get("kind"), error.get("billed")), (None, None) if cell.works else ("upstream", "no")),
            "POSTs": (gateway.posts(), int(cell.works)),
            "pictures": (files, [png()] * cell.works),
        }
        wrong = [f"{what}: {found}, not {wanted}" for what, (found, wanted) in must.items() if found != wanted]
        if bool(self._dns.asked) is (cell.proxy != "none"):
            wrong.append(f"looked up here: {', '.join(self._dns.asked) or 'nothing'}")
        if not cell.works and ("certificate is not trusted" if cell.reached else "name cannot be resolved") not in told:
            wrong.append(f"the reason is not in {told}")
        return Seen(
            check=f"FAIL {', '.join(failed)}" if failed else "ok",
            call=f"{error['kind']}, billed {error['billed']}" if error else f"ok, {gateway.posts()} POST",
            download=f"{len(files)} picture" if files else "refused" if "downloads" in failed else "-",
            wrong=tuple(wrong),
        )


@contextmanager
def _gateway(ca):
    """AiHubMix and its picture host, on port 443 of every address here."""
    with FakeGateway(tls=ca.server(*NAMES), host="0.0.0.0", port=443) as gateway:
        gateway.post(sse(f"> Generation complete\n\n![image]({LINK})"))
        gateway.get("/v1/models", reply(MODELS))
        gateway.get("/api/v1/models", reply(MODELS))
        gateway.get("/dashboard/billing/remain", reply({"total_usage": 1.5}))
        gateway.get("*", picture())
        yield gateway


@contextmanager
def _proxy(kind, ca):
    """Its address for ALL_PROXY; it resolves AiHubMix's names itself."""
    if kind == "none":
        yield None
    elif kind.startswith("SOCKS"):
        with FakeSocks(dict.fromkeys(NAMES, 443), host=PROXY) as proxy:
            yield f"{kind.lower()}://{proxy.place}"
    else:
        with FakeGateway(tls=ca.server(PROXY) if kind == "HTTPS" else None, host=PROXY) as proxy:
            proxy.get("*", tunnel(443))
            yield proxy.origin


@contextmanager
def _environment(variables):
    """Ours, and nothing of this machine's proxies, certificates and settings."""
    before = dict(os.environ)
    for name in before:
        if name.lower().endswith("_proxy") or name in CA_VARIABLES or name.startswith(("GPT4O_", "OPENAI_")):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _command(*words):
    """What the command prints as JSON."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        main(words)
    return json.loads(printed.getvalue())
