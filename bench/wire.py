"""What the wire costs for each request: the same ones straight to an Nginx and through the proxy, in turn, by wrk. All of
them share the machine's cores, so that the proxy has less than one of two to itself."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import processes
from .lab import ROOT, nginx, started, wait_until

# Of the crate: the proxy alone, which tells its address and the header that a client must send.
PROXY = ROOT / "target/release/examples/wire"
WRK_SCRIPT = ROOT / "bench/wire.lua"
SEGMENT_BYTES = 1_000_000
IDLE_CONNECTIONS = 2000
START_TIMEOUT_S = 10

NGINX_CONF = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {folder}/media; }}
}}
"""


@dataclass(frozen=True)
class Load:
    """What wrk asks for, over and over."""

    name: str
    connections: int
    path: str


LOADS = (
    Load("playlist, 1 connection", 1, "/stream.m3u8"),
    Load("playlist, 32 connections", 32, "/stream.m3u8"),
    Load("segment of 1 MB, 1 connection", 1, "/segment.ts"),
    Load("segment of 1 MB, 8 connections", 8, "/segment.ts"),
)


@dataclass(frozen=True)
class Proxy:
    """Where the wire is, and what it wants to hear."""

    pid: int
    address: str
    stamp: str


def wire(rounds: int, seconds: float) -> dict[str, Any]:
    """A row for each load, way and round, and what an idle connection takes."""
    rows: list[dict[str, Any]] = []
    with _nginx() as origin, _proxy() as proxy:
        for load in LOADS:
            for _ in range(rounds):
                rows.append({"load": load.name, "way": "direct", **_wrk(origin, load.path, "", load, seconds)})
                before_ns, began = processes.cpu_ns(proxy.pid), time.monotonic()
                row = _wrk(proxy.address, f"http://{origin}{load.path}", proxy.stamp, load, seconds)
                cores = (processes.cpu_ns(proxy.pid) - before_ns) / 1e9 / (time.monotonic() - began)
                rows.append({"load": load.name, "way": "wire", **row, "cores": cores})
                print(rows[-2], rows[-1], sep="\n")
        return {"rows": rows, "idle_connection_bytes": _idle_connection_bytes(proxy, f"http://{origin}{LOADS[0].path}")}


def _wrk(host: str, url: str, stamp: str, load: Load, seconds: float) -> dict[str, float]:
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds:.0f}s", "-s", str(WRK_SCRIPT), f"http://{host}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "WIRE_URL": url, "WIRE_STAMP": stamp})
    requests, megabytes_per_s, p50, p99, errors = map(float, said.stdout.splitlines()[-1].split())
    return {"requests_per_s": requests, "bytes_per_s": megabytes_per_s * 1e6, "p50_ms": p50, "p99_ms": p99, "errors": errors}


@contextmanager
def _nginx() -> Iterator[str]:
    """Host and port of an origin with a playlist of ten segments, and one segment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Its workers have another account.
        folder.chmod(0o755)
        (folder / "media").mkdir()
        entries = "".join(f"#EXTINF:2.000000,\nsegment{number:06}.ts\n" for number in range(100, 110))
        head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:100\n"
        (folder / "media/stream.m3u8").write_text(head + entries)
        (folder / "media/segment.ts").write_bytes(os.urandom(SEGMENT_BYTES))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        (folder / "nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=port))
        with started([nginx(), "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]):
            wait_until(lambda: _answers(port), "Nginx listens", START_TIMEOUT_S)
            yield f"127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _proxy() -> Iterator[Proxy]:
    with started([PROXY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout
        address, stamp = (program.stdout.readline().strip() for _ in range(2))
        yield Proxy(program.pid, address, stamp)


def _idle_connection_bytes(proxy: Proxy, url: str) -> float:
    """Memory of a connection that was used once and is kept."""
    request = f"GET {url} HTTP/1.1\r\nHost: h\r\nRange: bytes=0-\r\n{proxy.stamp}\r\n\r\n".encode()
    host, port = proxy.address.split(":")
    before = processes.resident_bytes(proxy.pid)
    kept = [socket.create_connection((host, int(port))) for _ in range(IDLE_CONNECTIONS)]
    for connection in kept:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            lines = iter(answer.readline, b"\r\n")
            length = next(int(line.split(b":")[1]) for line in list(lines) if line.lower().startswith(b"content-length"))
            answer.read(length)
    taken = (processes.resident_bytes(proxy.pid) - before) / len(kept)
    for connection in kept:
        connection.close()
    return taken
