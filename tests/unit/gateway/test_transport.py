"""Which proxy leads to an address, and which certificates are trusted, by the environment's variables."""

import os
import ssl
import sys

import pytest

from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.gateway.transport import (
    CA_VARIABLES,
    is_placeholder,
    proxies_in_use,
    proxy_for,
    ssl_context,
    trust_in_use,
)

LINUX = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there the system keeps its certificates itself")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in CA_VARIABLES:
            monkeypatch.delenv(name)


def problem(call, *args):
    with pytest.raises(GPT4oImageError) as caught:
        call(*args)
    assert (caught.value.kind, caught.value.billed) == ("config", "no")
    return caught.value.message


def proxy(monkeypatch, value, variable="HTTPS_PROXY"):
    monkeypatch.setenv(variable, value)
    return proxy_for("https", "gateway.example", 443)


# Proxies


def test_without_variables_there_is_none():
    assert proxy_for("https", "gateway.example", 443) is None
    assert proxies_in_use() == []


@pytest.mark.parametrize(
    ("value", "shown", "login"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", None),
        ("proxy.example:3128", "http://proxy.example:3128", None),
        ("http://proxy.example", "http://proxy.example:80", None),
        ("https://proxy.example/", "https://proxy.example:443", None),
        ("socks://127.0.0.1:1080/", "socks5://127.0.0.1:1080", None),
        ("SOCKS5H://127.0.0.1", "socks5://127.0.0.1:1080", None),
        ("socks4a://127.0.0.1:9050", "socks4://127.0.0.1:9050", None),
        ("http://[::1]:3128", "http://[::1]:3128", None),
        (' "http://proxy.example:3128" ', "http://proxy.example:3128", None),
        ("http://me:secret@proxy.example:3128", "http://proxy.example:3128", ("me", "secret")),
        ("http://me:a#b/c?d@e@proxy.example:3128", "http://proxy.example:3128", ("me", "a#b/c?d@e")),
        ("http://me%40office:p%3Aw%20d@proxy.example:1", "http://proxy.example:1", ("me@office", "p:w d")),
        ("me:secret@proxy.example:3128", "http://proxy.example:3128", ("me", "secret")),
        ("http://me@proxy.example:3128", "http://proxy.example:3128", ("me", "")),
    ],
)
def test_a_proxy_as_it_is_written(monkeypatch, value, shown, login):
    found = proxy(monkeypatch, value)
    assert (str(found), found.login, found.source) == (shown, login, "HTTPS_PROXY")
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("http://proxy.example:port", "without a valid host and port"),
        ("http://proxy.example:99999", "a proxy with the invalid port 99999"),
        ("http://proxy.example:0", "a proxy with the invalid port 0"),
        ("http://", "without a valid host"),
        ("http://:3128", "without a valid host"),
        ("http://me:secret@", "without a valid host"),
        ("http://pro xy:3128", "without a valid host"),
        ("ftp://me:secret@proxy.example", "a proxy of the unknown kind ftp"),
        (f"http://{'x' * 256}:secret@proxy.example", "a login of more than 255 bytes"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_by_its_variable(monkeypatch, value, why):
    message = problem(proxy, monkeypatch, value)
    assert message.startswith("HTTPS_PROXY names ")
    assert why in message
    assert "secret" not in message
    assert "HTTPS_PROXY" in problem(proxies_in_use)


def test_which_variable_counts(monkeypatch):
    assert proxy(monkeypatch, "http://all:1", "ALL_PROXY").host == "all"
    assert proxy(monkeypatch, "http://plain:1", "HTTP_PROXY").host == "all"
    assert proxy(monkeypatch, "http://secure:1").host == "secure"
    assert proxy_for("http", "gateway.example", 80).host == "plain"
    assert [(found.host, found.source) for found in proxies_in_use()] == [
        ("secure", "HTTPS_PROXY"), ("plain", "HTTP_PROXY"), ("all", "ALL_PROXY"),
    ]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="variables have no case there")
def test_a_variable_in_small_letters_goes_first(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://large:1")
    assert proxy(monkeypatch, "http://small:1", "https_proxy").source == "https_proxy"
    assert proxy(monkeypatch, "", "https_proxy") is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.0.0.2", "gateway.localhost"])
def test_this_machine_is_connected_to_directly(monkeypatch, host):
    monkeypatch.setenv("ALL_PROXY", "nonsense://")
    assert proxy_for("http", host, 8188) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("*", "gateway.example", True),
        ("gateway.example", "gateway.example", True),
        ("GATEWAY.EXAMPLE", "gateway.example", True),
        ("gateway.example", "api.gateway.example", True),
        (".gateway.example", "gateway.example", True),
        ("*.gateway.example", "api.gateway.example", True),
        ("gateway.example", "othergateway.example", False),
        ("gateway.example:443", "gateway.example", True),
        ("gateway.example:80", "gateway.example", False),
        ("https://gateway.example", "gateway.example", True),
        ("other.example, gateway.example", "gateway.example", True),
        ("other.example gateway.example", "gateway.example", True),
        ("localhost,,[::1],fe80::/10", "gateway.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "10.example", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", False),
        ("[fd00::1]", "fd00::1", True),
        ("[fd00::1]:443", "fd00::1", True),
        ("[fd00::1]:80", "fd00::1", False),
        ("fd00::/8", "fd00::1", True),
        ("[fd00::/8]", "fd00::1", True),
        ("[fd00::]/8", "fd00::1", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("[", "gateway.example", False),
        ("1.2.3.4/99, :, ://, *.", "gateway.example", False),
        ("", "gateway.example", False),
    ],
)
def test_no_proxy(monkeypatch, no_proxy, host, direct):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for("https", host, 443) is None) is direct


@pytest.mark.parametrize(
    ("ip", "is_one"),
    [
        ("198.18.0.1", True),
        ("198.19.255.255", True),
        ("198.17.255.255", False),
        ("198.20.0.0", False),
        ("::ffff:198.18.0.1", False),
        ("::1", False),
        ("gateway.example", False),
    ],
)
def test_placeholders(ip, is_one):
    assert is_placeholder(ip) is is_one


# Certificates


def trusts(own_ca):
    """Whether a fresh context accepts a server with a certificate of `own_ca`, without a connection."""
    context, server = ssl_context(), own_ca.server("gateway.example")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="gateway.example")
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
    return True


def test_nobody_trusts_a_ca_of_our_own(own_ca):
    assert not trusts(own_ca)
    assert trust_in_use() == []


@pytest.mark.parametrize("variable", CA_VARIABLES)
@pytest.mark.parametrize("named", ["file", "hashed folder", "plain folder"])
def test_each_variable_alone_is_enough(monkeypatch, own_ca, tmp_path, variable, named):
    if named == "file" and variable == "SSL_CERT_DIR":
        pytest.skip("it names folders")
    folder = tmp_path / "certificates"
    folder.mkdir()
    subject_hash = _subject_hash(own_ca.pem)
    name = f"{subject_hash}.0" if named == "hashed folder" else "own.pem"
    (folder / name).write_bytes(own_ca.pem.read_bytes())
    monkeypatch.setenv(variable, str(folder / name if named == "file" else folder))
    assert trusts(own_ca)
    assert trust_in_use() == [f"{variable}={folder / name if named == 'file' else folder}"]


def _subject_hash(pem):
    import shutil
    import subprocess

    if not shutil.which("openssl"):
        pytest.skip("no openssl command to hash a certificate's name with")
    command = ["openssl", "x509", "-in", str(pem), "-noout", "-subject_hash"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@LINUX
def test_a_variable_adds_to_the_system_s_store(monkeypatch, own_ca):
    before = len(ssl_context().get_ca_certs())
    monkeypatch.setenv("SSL_CERT_FILE", str(own_ca.pem))
    assert len(ssl_context().get_ca_certs()) == before + 1


@LINUX
def test_without_a_store_requests_own_list_is_trusted(monkeypatch):
    nowhere = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "/nowhere/a", "SSL_CERT_DIR", "/nowhere/b")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr("gpt4o_image.gateway.transport._SYSTEM_FILES", ())
    monkeypatch.setattr("gpt4o_image.gateway.transport._context", transport_context())
    assert len(ssl_context().get_ca_certs()) > 50


def transport_context():
    """The function behind the cache, which may hold this machine's own store."""
    from gpt4o_image.gateway import transport

    return transport._context.__wrapped__


def test_several_folders(monkeypatch, own_ca, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b" / "own.crt").write_bytes(own_ca.pem.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(map(str, (tmp_path / "a", tmp_path / "b"))))
    assert trusts(own_ca)


@pytest.mark.skipif(os.name == "nt", reason="HOME is of POSIX")
def test_a_tilde(monkeypatch, own_ca, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.pem").write_bytes(own_ca.pem.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "~/own.pem")
    assert trusts(own_ca)


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_path_that_is_not_there(monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, str(tmp_path / "gone"))
    assert problem(ssl_context).startswith(f"{variable} names {tmp_path / 'gone'}, which does not exist.")


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nxx\n"])
def test_a_file_without_certificates(monkeypatch, tmp_path, content):
    (tmp_path / "bad.pem").write_bytes(content)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "bad.pem"))
    message = problem(ssl_context)
    assert message.startswith(f"CURL_CA_BUNDLE names {tmp_path / 'bad.pem'}, which contains no readable certificates")


@LINUX
def test_the_store_is_read_once_and_a_changed_file_anew(monkeypatch, own_ca, tmp_path):
    file = tmp_path / "own.pem"
    file.write_bytes(own_ca.pem.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    first = ssl_context()
    assert ssl_context() is first
    file.write_bytes(b"")
    os.utime(file, ns=(1, 1))
    assert "SSL_CERT_FILE" in problem(ssl_context)
