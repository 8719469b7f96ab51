"""Nobody but the page itself, opened by somebody who may, reaches the run."""

from __future__ import annotations

import socket

import httpx
import pytest

from soleus.live.page import Page, PageError

TOKEN = "known-to-those-who-may"  # noqa: S105 - of this test only


class Presses:
    """Controls that remember what was pressed."""

    def __init__(self) -> None:
        self.pressed: list[tuple] = []

    def start(self) -> None:
        self.pressed.append(("start",))

    def stop(self) -> None:
        self.pressed.append(("stop",))

    def lap(self) -> None:
        self.pressed.append(("lap",))

    def pain(self, rating: float) -> None:
        if rating == 5:
            raise ValueError("not now")
        self.pressed.append(("pain", rating))

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        self.pressed.append(("belt", speed_mps, grade))


@pytest.fixture(scope="module")
def all_presses():
    return Presses()


@pytest.fixture
def presses(all_presses):
    all_presses.pressed.clear()
    return all_presses


@pytest.fixture(scope="module")
def page(all_presses):
    with Page(all_presses, port=0) as made:
        yield made


@pytest.fixture(scope="module")
def lan(all_presses):
    with Page(all_presses, port=0, lan=True, token=TOKEN) as made:
        yield made


@pytest.fixture
def ask(page):
    origin = page.address.rstrip("/")
    with httpx.Client(base_url=origin, headers={"origin": origin}, timeout=10) as client:
        yield client


def raw(port: int, text: str) -> bytes:
    """Send bytes as they are, which a client library would tidy up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(text.encode())
        link.settimeout(10)
        return link.recv(65536)


def test_every_button_reaches_the_run(ask, presses):
    for path, body in (
        ("/start", {}),
        ("/stop", {}),
        ("/lap", {}),
        ("/pain", {"rating": 4}),
        ("/belt", {"speed_mps": 3.1, "grade": 0.01}),
        ("/mute", {"muted": True}),
    ):
        answer = ask.post(path, json=body)
        assert (path, answer.status_code) == (path, 204)
    assert presses.pressed == [("start",), ("stop",), ("lap",), ("pain", 4.0), ("belt", 3.1, 0.01)]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "192.168.1.5:{port}",
        "",
        "localhost.evil.example:{port}",
    ],
)
def test_a_wrong_host_is_refused(page, host):
    answer = raw(page.port, f"GET / HTTP/1.1\r\nHost: {host.format(port=page.port)}\r\nConnection: close\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))
    assert b"<html" not in answer


def test_no_host_or_two_are_refused(page):
    own = f"Host: 127.0.0.1:{page.port}\r\n"
    for hosts in ("", own + "Host: evil.example\r\n"):
        answer = raw(page.port, f"GET /events HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", None]
)
def test_a_wrong_origin_may_press_nothing(page, presses, origin):
    headers = {} if origin is None else {"origin": origin.format(port=page.port)}
    answer = httpx.post(f"{page.address}pain", json={"rating": 3}, headers=headers, timeout=10)
    assert answer.status_code == 403
    assert presses.pressed == []


def test_a_wrong_origin_may_not_listen(page):
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert httpx.get(f"{page.address}events", headers=headers, timeout=10).status_code == 403


def test_a_form_cannot_press(page, presses):
    own = page.address.rstrip("/")
    answer = httpx.post(f"{own}/pain", content=b'{"rating": 3}', headers={"origin": own, "content-type": "text/plain"})
    assert answer.status_code == 415
    assert presses.pressed == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"rating": 11}',
        b'{"rating": "4"}',
        b'{"rating": 4, "more": 1}',
        b"{}",
        b'{"rating": NaN}',
        b"\xff",
    ],
)
def test_bad_json_is_refused_with_a_sentence(ask, presses, body):
    answer = ask.post("/pain", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.text.startswith("/pain: ")
    assert presses.pressed == []


def test_an_oversized_body_is_refused(ask, presses):
    headers = {"content-type": "application/json"}
    assert ask.post("/pain", content=b'{"rating": 4' + b" " * 600 + b"}", headers=headers).status_code == 413

    def endless():
        for _ in range(400):
            yield b" " * 1024

    assert ask.post("/pain", content=endless(), headers=headers).status_code == 413
    assert presses.pressed == []


def test_what_the_run_refuses_is_said(ask):
    answer = ask.post("/pain", json={"rating": 5})
    assert (answer.status_code, answer.text) == (409, "/pain: not now\n")


def test_a_cue_that_is_not_cannot_be_spoken(ask):
    assert ask.post("/spoken", json={"cue": 7, "how": "voice"}).status_code == 409
    assert ask.post("/spoken", json={"cue": 1, "how": "loud"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/%2e%2e/server.py",
        "/static/....//server.py",
        "/static//etc/passwd",
        "/static/runner.html%00.css",
        "/static/..\\server.py",
        "/../../etc/passwd",
        "//etc/passwd",
        "/static/",
        "/session/..%2f..%2fetc",
    ],
)
def test_no_path_leads_out(page, path):
    answer = raw(page.port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in {b"404", b"400", b"307"}
    assert b"import" not in answer
    assert b"root:" not in answer


def test_every_answer_is_strict(ask):
    for path in ("/", "/coach", "/static/runner.mjs", "/nothing", "/qr.svg"):
        headers = ask.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_files_have_no_inline_code_and_ask_nothing_of_others():
    from soleus.live.page import files

    for name in files.FILES:
        text = files.read(name)[0].decode()
        for foreign in ("https://", "http://", "//cdn", "@import", "eval(", "innerHTML", "javascript:"):
            found = text.replace("http://www.w3.org/2000/svg", "").count(foreign)
            assert (name, foreign, found) == (name, foreign, 0)
        if name.endswith(".html"):
            assert " style=" not in text
            assert " onclick=" not in text
            assert text.count("<script") == text.count("<script ")
    with pytest.raises(KeyError):
        files.read("../server.py")


def test_the_network_needs_the_token(lan, presses):
    own = f"http://127.0.0.1:{lan.port}"
    for path in ("/", "/coach", "/events", "/qr.svg", "/?token=wrong", f"/?token={TOKEN}x", "/?token="):
        assert httpx.get(own + path, timeout=10).status_code == 401
    for cookie in ("", "wrong", TOKEN[:-1]):
        headers = {"origin": own, "cookie": f"soleus-{lan.port}={cookie}"}
        assert httpx.post(f"{own}/stop", json={}, headers=headers, timeout=10).status_code == 401
    assert presses.pressed == []


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_see(lan, presses):
    own = f"http://127.0.0.1:{lan.port}"
    with httpx.Client(base_url=own, headers={"origin": own}, timeout=10) as client:
        first = client.get(f"/?token={TOKEN}")
        assert first.status_code == 200
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert client.get("/coach").status_code == 200
        assert "set-cookie" not in client.get("/coach").headers
        assert client.get("/qr.svg").headers["content-type"] == "image/svg+xml"
        assert client.post("/lap", json={}).status_code == 204
    assert presses.pressed == [("lap",)]


def test_on_the_network_a_foreign_name_is_still_refused(lan):
    for host, status in ((f"10.0.0.9:{lan.port}", b"401"), (f"evil.example:{lan.port}", b"421")):
        answer = raw(lan.port, f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        assert answer.split()[1] == status


def test_addresses(lan, page):
    assert page.address == f"http://127.0.0.1:{page.port}/"
    assert lan.address.endswith(f":{lan.port}/?token={TOKEN}")
    assert lan.local_address == f"http://127.0.0.1:{lan.port}/?token={TOKEN}"
    assert len(lan.qr_text().splitlines()) > 10


def test_each_run_has_a_token_of_its_own(presses):
    tokens = set()
    for _ in range(2):
        with Page(presses, port=0, lan=True) as made:
            tokens.add(made.address.partition("token=")[2])
    assert len(tokens) == 2
    assert all(len(token) >= 20 for token in tokens)


def test_without_lan_only_this_machine_is_listened_to(page):
    own = httpx.get(page.address, timeout=10)
    assert own.status_code == 200
    address = socket.gethostbyname(socket.gethostname())
    if not address.startswith("127."):
        with pytest.raises(OSError, match="refused"), socket.create_connection((address, page.port), timeout=5):
            pass


def test_what_cannot_be_served_is_said(page, presses):
    with pytest.raises(PageError, match=r"port \d+ .* another port"):
        Page(presses, port=page.port)
    with pytest.raises(PageError, match="port 99999"):
        Page(presses, port=99999)
    with pytest.raises(PageError, match="needs lan"):
        Page(presses, host="0.0.0.0", port=0)  # noqa: S104
    with pytest.raises(PageError, match="16 letters"):
        Page(presses, port=0, lan=True, token="short")  # noqa: S106
