"""Prints ports where nobody listens, for programs that cannot choose their own: `ports.py COUNT`.

They are below those that the kernel gives to connections, so nothing takes one before the program starts.
"""

import random
import socket
import sys

count = int(sys.argv[1])
ports: list[int] = []
while len(ports) < count:
    port = random.randrange(12_000, 28_000)
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            continue
    if port not in ports:
        ports.append(port)
print(*ports)
