"""What `gpt4o-image check` finds, against the simulator and against gateways that fail in every way."""

import json
import socket
from dataclasses import replace

import pytest
from fake_gateway import HANG, FakeGateway, reply

from gpt4o_image.gateway import check as module
from gpt4o_image.gateway import free_get
from gpt4o_image.gateway.check import Finding, check
from gpt4o_image.gateway.config import Config

KEY = "sk-secret-0123456789abcdef"
MODELS = {"data": [{"id": "gpt-4o-image"}, {"id": "gpt-4o-image-vip"}]}
PUBLIC = {"success": True, "message": "", "data": [{"model_id": "gpt-4o-image"}, {"model_id": "gpt-4o-image-vip"}]}
REMAIN = "/dashboard/billing/remain"


class Host(FakeGateway):
    """A gateway whose free routes the test scripts; what it does not script is 404."""

    def __init__(self):
        super().__init__()
        self.only(reply({}, 404))

    def says(self, path, status, body="", content_type="application/json", **headers):
        self.get(path, reply(body, status, content_type, **headers))

    @property
    def seen(self):
        return [(request.method, request.target, request.headers) for request in self.requests]

    def keys(self):
        return [headers.get("authorization", "") for _, _, headers in self.seen]


@pytest.fixture
def main():
    """A healthy AiHubMix."""
    with Host() as host:
        host.says("/v1/models", 200, MODELS)
        host.says("/api/v1/models", 200, PUBLIC)
        host.says(REMAIN, 200, {"object": "list", "total_usage": 12.345})
        yield host


@pytest.fixture
def backup():
    with Host() as host:
        host.says("*", 401, {"error": {"message": "no key provided"}})
        yield host


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path / "config.toml")


@pytest.fixture(autouse=True)
def no_real_hosts(monkeypatch):
    monkeypatch.setattr(free_get, "TIMEOUT_S", 5.0)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def environ(host, key=KEY):
    return {"GPT4O_IMAGE_BASE_URL": host.base_url} | ({"AIHUBMIX_API_KEY": key} if key else {})


def run(config, surroundings, gateway="default"):
    """Findings by name; none of them shows the key, each failure says what to do."""
    findings = check(config, surroundings, gateway)
    for finding in findings:
        assert KEY not in json.dumps(finding.as_json())
        assert KEY not in repr(finding)
        assert finding.text
        assert finding.ok or finding.advice
    assert findings[0].name == "openai"
    return {finding.name: finding for finding in findings[1:]}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# All is well


def test_the_simulator_as_aihubmix(config, simulator):
    found = run(config, environ(simulator))
    assert list(found) == ["key", "proxy", "certificates", "host", "balance", "models"]
    assert all(finding.ok for finding in found.values())
    assert "AIHUBMIX_API_KEY" in found["key"].text
    assert simulator.origin in found["host"].text
    assert found["balance"].text == (
        "$12.35 is left, enough for calls: 1371 with gpt-4o-image-vip, 2469 with gpt-4o-image."
    )
    assert found["models"].text == "The gateway offers gpt-4o-image-vip, gpt-4o-image."
    sent = simulator.requests()
    assert simulator.posts() == 0
    assert {record["path"] for record in sent} == {"/v1/models", "/api/v1/models", REMAIN}


def test_the_embedded_simulator_needs_nothing(config):
    openai, finding = check(config, {}, "simulator")
    assert openai.ok
    assert finding.ok
    assert "needs no key" in finding.text


def test_findings_as_json():
    assert Finding("key", False, "none", "set one").as_json() == {
        "name": "key", "ok": False, "text": "none", "advice": "set one",
    }  # fmt: skip


# Where the key goes


def hosts(*all_of_them):
    """Surroundings in which a gateway has several hosts."""
    urls = [host if isinstance(host, str) else host.base_url for host in all_of_them]
    return {"GPT4O_IMAGE_BASE_URL": ", ".join(urls), "AIHUBMIX_API_KEY": KEY}


def test_backups_are_asked_for_their_models_only(config, main, backup):
    with Host() as third:
        third.says("*", 502, "<html>bad gateway</html>")
        findings = check(config, hosts(main, backup, third))[4:]
        assert [one.name for one in findings] == ["host", "balance", "models", "backup host", "backup host"]
        assert all(one.ok for one in findings)
        assert backup.origin in findings[3].text
        for host in (backup, third):
            assert [path for _, path, _ in host.seen] == ["/v1/models"]
        assert {method for method, _, _ in main.seen + backup.seen + third.seen} == {"GET"}


def test_a_backup_host_in_use_need_not_tell_a_balance(config, main, monkeypatch):
    monkeypatch.setattr(module, "BASE_URLS", ("http://aihubmix.invalid/v1", main.base_url))
    main.says(REMAIN, 404, {"error": {"message": "Invalid URL"}})
    assert list(run(config, environ(main)))[3:] == ["host", "models"]


def test_a_host_of_the_users_own_has_no_backups(config, main):
    assert "backup host" not in run(config, environ(main))


def test_a_redirect_is_not_followed(config, main, backup):
    main.only(reply("", 302, location=f"{backup.origin}/v1/models?key={KEY}"))
    found = run(config, environ(main))
    assert backup.seen == []
    assert backup.origin in found["balance"].text
    assert "not sent there" in found["balance"].text
    assert "base_url" in found["balance"].advice


def test_logins_and_cookies_of_the_machine_stay_here(config, main, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    main.says("/api/v1/models", 200, PUBLIC, set_cookie="a=b; Path=/")
    run(config, environ(main))
    assert sorted(set(main.keys())) == ["", f"Bearer {KEY}"]
    assert all("cookie" not in headers for _, _, headers in main.seen)


def test_a_key_of_another_form_is_not_quoted_either(config, main):
    key = "selfhosted_0123456789abcdef"
    for path in ("/v1/models", REMAIN):
        main.says(path, 401, {"error": {"message": f"The key {key} is unknown"}})
    findings = check(config, environ(main, key))
    assert any("is unknown" in finding.text for finding in findings)
    assert not any(key in f"{finding.text} {finding.advice}" for finding in findings)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize("shape", ["{}", "x" * 190 + "{}", "sk-secret-01**********cdef {}", "<p>{}</p>"])
def test_a_gateway_that_quotes_the_key_is_not_quoted(config, main, status, shape):
    for path in ("/v1/models", "/api/v1/models", REMAIN):
        main.says(path, status, {"error": {"message": shape.format(KEY)}} if "<" not in shape else shape.format(KEY))
    texts = [f"{finding.text} {finding.advice}" for finding in run(config, environ(main)).values()]
    assert not any("secret" in text or "0123" in text for text in texts)


# Keys and settings


def test_without_a_key_the_rest_is_looked_at(config, main):
    found = run(config, environ(main, key=""))
    assert [name for name, finding in found.items() if not finding.ok] == ["key"]
    assert list(found)[-2:] == ["host", "models"]
    assert found["key"].text == "There is no key for the gateway aihubmix."
    for words in ("AIHUBMIX_API_KEY", "gpt4o-image key set", str(config.path)):
        assert words in found["key"].advice
    assert set(main.keys()) == {""}


def test_a_key_that_is_none(config, main):
    found = run(config, environ(main, key="sk with blanks"))
    assert not found["key"].ok
    assert "Set it again" in found["key"].advice
    assert set(main.keys()) == {""}


def test_the_key_of_the_file_is_named_as_such(main, tmp_path):
    profile = {"base_url": main.base_url, "api_key": KEY}
    found = run(Config(tmp_path / "config.toml", profiles={"aihubmix": profile}), {})
    assert "config.toml" in found["key"].text
    assert found["balance"].ok


@pytest.mark.parametrize(
    ("surroundings", "gateway"), [({}, "elsewhere"), ({"GPT4O_IMAGE_BASE_URL": "nonsense"}, "aihubmix")]
)
def test_a_gateway_that_is_none(config, surroundings, gateway):
    found = run(config, surroundings, gateway)
    assert list(found) == ["gateway"]
    assert not found["gateway"].ok
    assert str(config.path) in found["gateway"].advice


# Balance


@pytest.mark.parametrize(
    ("body", "ok", "said"),
    [
        (
            {"total_usage": 0.75},
            True,
            "$0.75 is left, enough for calls: 83 with gpt-4o-image-vip, 150 with gpt-4o-image.",
        ),
        ({"data": {"total_usage": 0.75}}, True, "$0.75 is left"),
        ({"code": 0, "data": {"total_usage": "0.75"}}, True, "$0.75 is left"),
        ({"total_usage": -0.000002}, True, "no limit"),
        ({"total_usage": 0}, False, "$0.000 is left: too little"),
        ({"total_usage": 0.004}, False, "$0.004 is left: too little"),
        ({"total_usage": -3.5}, False, "too little"),
        ({"total_usage": None}, False, "names no balance"),
        ({"total_usage": "much"}, False, "names no balance"),
        ({"total_usage": float("nan")}, False, "names no balance"),
        ({"total_usage": []}, False, "names no balance"),
        ({"data": []}, False, "names no balance"),
        ({}, False, "names no balance"),
    ],
)
def test_balances(config, main, body, ok, said):
    main.says(REMAIN, 200, body)
    finding = run(config, environ(main))["balance"]
    assert finding.ok is ok
    assert said in finding.text
    if "too little" in said:
        assert "Recharge" in finding.advice


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "Your account balance is insufficient. Please recharge. (tid: 2025)"),
        (401, "This token's quota has been exhausted"),
        (429, "quota exhausted"),
        (200, "insufficient credits"),
    ],
)
def test_an_empty_account(config, main, status, message):
    body = {"code": -1, "msg": message} if status == 200 else {"error": {"message": message}}
    main.says(REMAIN, status, body)
    main.says("/v1/models", status, body)
    found = run(config, environ(main))
    assert not found["balance"].ok
    assert message.rstrip(".") in found["balance"].text
    assert "Recharge" in found["balance"].advice
    assert found["models"].ok, "told once; the public list is there"


# Answers that are no good


@pytest.mark.parametrize(
    ("status", "body", "text", "advice"),
    [
        (401, {"error": {"message": "no key (tid: 77)"}}, '(HTTP 401): "no key (tid: 77)"', "gpt4o-image key set"),
        (403, {"error": {"message": "key is disabled"}}, '(HTTP 403): "key is disabled"', "console"),
        (404, {"error": {"message": "Invalid URL"}}, "nothing at this address (HTTP 404)", "/v1"),
        (429, {"error": {"message": "Too many requests"}}, "too many requests (HTTP 429)", "Wait"),
        (500, {"error": "broken"}, 'an internal error (HTTP 500): "broken"', "status.aihubmix.com"),
        (418, "teapot", 'an unexpected answer (HTTP 418): "teapot"', "base_url"),
        (200, "", "an unexpected answer (HTTP 200)", "base_url"),
        (200, "[1, 2]", "an unexpected answer (HTTP 200)", "base_url"),
        (200, {"success": False, "message": "maintenance"}, "an unexpected answer (HTTP 200)", "base_url"),
        (200, "[" * 100_000, "an unexpected answer (HTTP 200)", "base_url"),
        (403, "\x1b[31m\u202eevil", "evil", "console"),
    ],
)  # fmt: skip
def test_refusals(config, main, status, body, text, advice):
    main.says(REMAIN, status, body)
    finding = run(config, environ(main))["balance"]
    assert not finding.ok
    assert text in finding.text
    assert advice in finding.advice
    assert finding.text.isprintable()
    assert len(finding.text) < 400


@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_web_page_is_not_a_gateway(config, main, status):
    page = "<!doctype html>\n<html><title>Just a moment...</title><script>var x</script></html>"
    for path in ("/v1/models", "/api/v1/models", REMAIN):
        main.says(path, status, page, content_type="text/html; charset=utf-8")
    found = run(config, environ(main))
    assert found["host"].ok
    assert f"web page (HTTP {status})" in found["balance"].text
    assert "Just a moment..." in found["balance"].text
    assert "<" not in found["balance"].text
    assert "base_url" in found["balance"].advice
    assert "models" not in found, "told once"


# Models


def test_models_come_from_either_list(config, main):
    main.says("/v1/models", 404, {"error": {"message": "Invalid URL"}})
    assert run(config, environ(main))["models"] == Finding(
        "models", True, "The gateway offers gpt-4o-image-vip, gpt-4o-image."
    )
    main.says("/v1/models", 200, {"data": [{"id": "gpt-4o-image"}, 5, {}, None]})
    main.says("/api/v1/models", 500, "")
    text = run(config, environ(main))["models"].text
    assert text == "The gateway offers gpt-4o-image; not listed: gpt-4o-image-vip."


def test_models_that_are_not_listed(config, main):
    main.says("/v1/models", 200, {"data": [{"id": "gpt-9"}]})
    main.says("/api/v1/models", 200, {"data": []})
    finding = run(config, environ(main))["models"]
    assert not finding.ok
    assert "lists 1 models, none of them gpt-4o-image-vip or gpt-4o-image" in finding.text
    assert "config.toml" in finding.advice


def test_lists_that_cannot_be_read(config, main):
    main.says("/v1/models", 200, {"data": {"gpt-4o-image": {}}})
    main.says("/api/v1/models", 503, {"error": {"message": "down"}})
    found = run(config, environ(main))
    assert "cannot be read" in found["models"].text
    assert '(HTTP 503): "down"' in found["public models"].text


def test_a_key_that_may_not_list_models(config, main):
    main.says("/v1/models", 403, {"error": {"message": "key is disabled"}})
    findings = check(config, environ(main))[4:]
    assert [(one.name, one.ok) for one in findings] == [
        ("host", True), ("balance", True), ("models", False), ("models", True),
    ]  # fmt: skip


# Hosts that do not answer


def refused(config, base_url, **more):
    found = run(config, {"AIHUBMIX_API_KEY": KEY, "GPT4O_IMAGE_BASE_URL": base_url}, **more)
    assert [name for name, finding in found.items() if not finding.ok] == ["host"]
    return found["host"]


def test_nobody_listens(config):
    port = free_port()
    finding = refused(config, f"http://127.0.0.1:{port}/v1")
    assert finding.text == f"http://127.0.0.1:{port} cannot be reached: connection refused."
    assert "network" in finding.advice


def test_a_name_that_resolves_to_nothing(config):
    assert "cannot be reached" in refused(config, "http://gateway.invalid/v1").text
    assert "cannot be reached" in refused(config, f"http://{'x' * 70}.example/v1").text


def test_tls_trouble(config, main):
    finding = refused(config, main.base_url.replace("http:", "https:"))
    assert "TLS" in finding.text
    assert "clock" in finding.advice


def test_silence(config, main, monkeypatch):
    monkeypatch.setattr(free_get, "TIMEOUT_S", 0.2)
    main.only([HANG])
    finding = refused(config, main.base_url)
    assert "no answer in time" in finding.text
    assert "network" in finding.advice


def test_a_proxy_that_is_not_there(config, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    finding = refused(config, "http://gateway.invalid/v1")
    assert "proxy" in finding.text
    assert "HTTP_PROXY" in finding.advice


def test_not_http_at_all(config, main):
    main.only(b"SSH-2.0-x\r\n")
    assert "cannot be reached" in refused(config, main.base_url).text


def test_an_answer_that_breaks_off(config, main):
    main.get(REMAIN, replace(reply({"total_usage": 1}), missing=1))
    found = run(config, environ(main))
    assert found["host"].ok
    assert "broke off" in found["balance"].text


def test_an_answer_without_an_end(config, main, monkeypatch):
    monkeypatch.setattr(free_get, "_MAX_BYTES", 1 << 18)

    def flood(exchange):
        exchange.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            exchange.say(b" " * 65536)

    main.get(REMAIN, flood)
    assert "an unexpected answer" in run(config, environ(main))["balance"].text


def test_the_main_host_is_down_and_a_backup_is_not(config, main):
    down, dead = (f"http://127.0.0.1:{free_port()}/v1" for _ in range(2))
    findings = check(config, hosts(down, main, dead))[4:]
    assert [(one.name, one.ok) for one in findings] == [
        ("host", True), ("balance", True), ("models", True), ("backup host", False),
    ]  # fmt: skip
    assert findings[0].text.startswith(f"{down.removesuffix('/v1')} cannot be reached: ")
    assert f"{main.origin} answers" in findings[0].text
    assert "only when the main host fails" in findings[3].advice


def test_all_hosts_are_down(config):
    down = [f"http://127.0.0.1:{free_port()}/v1" for _ in range(2)]
    (finding,) = check(config, hosts(*down))[4:]
    assert (finding.name, finding.ok) == ("host", False)
    assert all(url.removesuffix("/v1") in finding.text for url in down)


# Other profiles


def other(tmp_path, host, **more):
    return Config(tmp_path / "config.toml", profiles={"other": {"base_url": host.base_url, "api_key": KEY, **more}})


def test_another_profile(tmp_path, main):
    main.says("/v1/models", 200, {"data": [{"id": "image-x"}]})
    found = run(other(tmp_path, main, models=["image-x"]), {"AIHUBMIX_API_KEY": "sk-another"}, "other")
    assert list(found)[3:] == ["host", "balance", "models"]
    assert all(finding.ok for finding in found.values())
    assert "offers image-x" in found["models"].text
    assert {path for _, path, _ in main.seen} == {"/v1/models", REMAIN}
    assert set(main.keys()) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("status", [200, 401, 404, 302, 500])
def test_another_profile_need_not_tell_a_balance(tmp_path, main, status):
    main.says(REMAIN, status, "<html></html>" if status == 404 else {"message": "no such thing"}, location="/")
    found = run(other(tmp_path, main), {}, "other")
    assert list(found)[3:] == ["host", "models"]


def test_another_profile_without_a_key(tmp_path, main):
    main.says("/v1/models", 401, {"error": {"message": "no key"}})
    found = run(other(tmp_path, main, api_key=""), {}, "other")
    assert [name for name, finding in found.items() if not finding.ok] == ["key"]
    assert list(found)[-1] == "host"
    assert "--gateway other" in found["key"].advice
    assert set(main.keys()) == {""}


def test_nothing_else_goes_along(config, main):
    """No cookie, no referer, no organisation."""
    run(config, environ(main))
    allowed = {"host", "user-agent", "accept", "accept-encoding", "connection", "authorization"}
    assert all(set(headers) <= allowed for _, _, headers in main.seen)


def test_the_command_looks_at_the_vault_too(shell, tmp_path, monkeypatch):
    _, out, _ = shell("check", "--gateway", "simulator", "--json")
    vault = json.loads(out)[-1]
    assert (vault["name"], vault["ok"]) == ("vault", True)
    assert vault["text"] == f"{tmp_path / 'home' / 'vault'} can be read. Results in it: 0."
    monkeypatch.setenv("GPT4O_IMAGE_VAULT", "postgresql://me:hunter2@127.0.0.1:1/x")
    status, out, _ = shell("check", "--gateway", "simulator")
    assert status == 1
    assert "FAIL vault: The vault in the database x on 127.0.0.1:1 cannot be read" in out
    assert "hunter2" not in out


def test_a_damaged_vault_is_found(shell, tmp_path):
    (tmp_path / "home" / "vault").mkdir(parents=True)
    (tmp_path / "home" / "vault" / "vault.sqlite3").write_bytes(b"no database" * 100)
    status, out, _ = shell("check", "--gateway", "simulator")
    assert status == 1
    assert "FAIL vault" in out
