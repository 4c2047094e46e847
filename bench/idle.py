"""Memory per idle viewer connection of the wire: opens connections, uses each once, keeps them, looks at the proxy."""

import os
import socket

CONNECTIONS = 2000

host, port = os.environ["WIRE_PROXY"].split(":")
pid = os.environ["WIRE_PID"]
request = (
    f"GET {os.environ['WIRE_URL']} HTTP/1.1\r\nHost: h\r\nRange: bytes=0-\r\n{os.environ['WIRE_STAMP']}\r\n\r\n"
).encode()


def resident_kb() -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def used(connection: socket.socket) -> None:
    """Asks once and reads the whole answer."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)


before = resident_kb()
connections = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
for one in connections:
    used(one)
print(f"memory per idle connection: {(resident_kb() - before) / CONNECTIONS:.1f} kB ({CONNECTIONS} connections)")
