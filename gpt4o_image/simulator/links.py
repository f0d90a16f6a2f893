"""Ids and addresses in the gateway's forms. Pure: the same seed gives the same names."""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass
from urllib.parse import quote

BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_TENANT = "sktid=a48cca56-e6da-484e-a814-9c849652bcb3&skoid=aa5ddad1-c91a-4f0a-9aca-e20682cc8969"


@dataclass(frozen=True)
class Links:
    """One picture's names, the addresses of its bytes and of a thumbnail, and the bytes where an answer holds them."""

    gen: str
    cdn: str
    download: str
    signed: str
    thumb: str
    data: bytes = b""
    mime: str = "image/png"

    @property
    def base64(self) -> str:
        """The bytes as an answer holds them."""
        return base64.b64encode(self.data).decode()

    @property
    def data_url(self) -> str:
        """The same as a data: address."""
        return f"data:{self.mime};base64,{self.base64}"


def spell(alphabet: str, length: int, seed: str) -> str:
    """A name of that many letters; 256 bits of hash are enough for all names we make."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    letters: list[str] = []
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        letters.append(alphabet[place])
    return "".join(letters)


def base32_id(prefix: str, seed: str) -> str:
    """prefix + 26 letters, of which the first two are 01 as in every transcript."""
    return f"{prefix}_01{spell(BASE32, 24, prefix + seed)}"


def tid(seed: str) -> str:
    """The 31 digits that AiHubMix's support asks for."""
    return "20" + spell("0123456789", 29, "tid" + seed)


def uuid_of(seed: str) -> str:
    """A UUID, the later form of ids."""
    return str(uuid.UUID(bytes=hashlib.sha256(seed.encode()).digest()[:16], version=4))


def make_links(origin: str, seed: str, index: int, *, task: str, day: str, naming: str = "") -> Links:
    """Addresses of picture `index` of a task; `naming` is "", "hex", "parens", "escaped", "no_ending" or "relative"."""
    own = f"{seed}/{index}"
    gen = base32_id("gen", own)
    name = spell(ALNUM, 30, "name" + own)
    ending, query = ".png", ""
    if naming == "hex":
        gen, name = uuid_of("gen" + own), hashlib.sha256(own.encode()).hexdigest()[:32]
    elif naming == "parens":
        name = f"{name[:14]}(1)_({index + 1}(a)){name[14:]}"
    elif naming == "escaped":
        name = f"{name[:10]}%2F{name[10:]}"
        query = f"?sig={_signature(own)}&az=oaivgprodscus"
    elif naming == "no_ending":
        ending = ""
    elif naming == "relative":
        origin = ""
    return Links(
        gen=gen,
        cdn=f"{origin}/cdn/{day}/{name}{ending}{query}",
        download=f"{origin}/cdn/download/{day}/{name}{ending}{query}",
        thumb=f"{origin}/cdn/thumb/{day}/{name}{ending}{query}",
        signed=f"{origin}/vg-assets/assets%2F{task}%2Fsrc_{index}.png?{_signed_query(own, day)}",
    )


def _signature(seed: str) -> str:
    return quote(base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode(), safe="")


def _signed_query(seed: str, day: str) -> str:
    start = f"{day[:4]}-{day[4:6]}-{day[6:]}T13%3A08%3A48Z"
    return (
        f"st={start}&se=2099-04-27T14%3A08%3A48Z&sks=b&skt={start}&ske=2099-04-27T14%3A08%3A48Z&{_TENANT}"
        "&skv=2019-02-02&sv=2018-11-09&sr=b&sp=r&spr=https%2Chttp"
        f"&sig={_signature('signed' + seed)}&az=oaivgprodscus"
    )
