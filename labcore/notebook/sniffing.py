"""overhear(eve, "eth0"): which packets pass a device while a block runs, in words that do not vary — packet(7).

    with overhear(eve, "eth0") as heard:
        bob.sh("busybox wget -q -O - http://10.4.0.2/")
    print(heard)

Told are the beginnings of TCP connections and the first line of what is said; no acknowledgements, no port that the
kernel chose, nothing twice. The socket is the actor's own, opened in its network namespace.
"""

import ast
import inspect
import marshal

FIN_SYN_RST_ACK = 0x17
SHORTEST, MOST_PACKETS = 54, 500


class overhear:
    """What one actor hears on one device."""

    def __init__(self, who, device):
        self.who, self.device, self.packets = who, device, []

    def __enter__(self):
        self.ear = self._have("open_ear", self.device)
        return self

    def __exit__(self, *_):
        self.packets = self._have("close_ear", self.ear, MOST_PACKETS)

    def _have(self, name, *args):
        answer, _ = self.who._ask("call", {"code": CODE, "name": name, "args": repr(args)})
        return ast.literal_eval(answer["value"])

    @property
    def lines(self):
        """One line for each thing heard, in order."""
        return list(dict.fromkeys(filter(None, map(spoken, self.packets))))

    def __str__(self):
        return "\n".join(self.lines) or "nothing"

    __repr__ = __str__


def open_ear(device):
    """A packet socket that gets every packet of a device: its descriptor."""
    import _socket

    ear = _socket.socket(_socket.AF_PACKET, _socket.SOCK_RAW, _socket.htons(3))  # ETH_P_ALL
    ear.bind((device, 0))
    return ear.detach()


def close_ear(fd, most):
    """The packets that wait in it; it is closed."""
    import _socket

    ear, packets = _socket.socket(fileno=fd), []
    ear.setblocking(False)
    try:
        while len(packets) < most:
            packets.append(ear.recv(2048))
    except BlockingIOError:
        pass
    ear.close()
    return packets


CODE = marshal.dumps(compile(f"{inspect.getsource(open_ear)}\n{inspect.getsource(close_ear)}", "<ear>", "exec")).decode(
    "latin-1"
)


def spoken(packet):
    """One Ethernet frame with IPv4 and TCP in words, or None — ip(7), tcp(7)."""
    if len(packet) < SHORTEST or packet[12:14] != b"\x08\x00" or packet[23] != 6:
        return None
    source, target = (".".join(map(str, packet[at : at + 4])) for at in (26, 30))
    segment = packet[14 + (packet[14] & 15) * 4 :]
    ports = int.from_bytes(segment[0:2], "big"), int.from_bytes(segment[2:4], "big")
    if ports[0] < ports[1]:
        source += f" port {ports[0]}"
    else:
        target += f" port {ports[1]}"
    flags, said = segment[13] & FIN_SYN_RST_ACK, segment[(segment[12] >> 4) * 4 :]
    words = {2: "may I? (SYN)", 18: "you may (SYN, ACK)"}.get(flags)
    if words is None and said and b"\n" in said:
        words = said.split(b"\n")[0].strip().decode("utf-8", "replace")
    return words and f"{source} -> {target}: {words}"
