"""A web server and a web client, both plain busybox.

    serve(alice, "Alice's shop")        # her page, on port 80; returns when the server listens
    fetch(bob, "10.4.0.2")              # the page, or what went wrong, or "silence"

Pages lie below /mnt, where a lesson has mounted an empty file system.
"""


def serve(who, page, port=80, directory="/mnt"):
    """Have somebody serve one page; returns when the server listens, or has given up: ss(8)."""
    who.out(f"mkdir -p '{directory}/{who.name}'; cat > '{directory}/{who.name}/index.html' <<'END'\n{page}\nEND")
    server = who.start(f"exec busybox httpd -f -p 0.0.0.0:{port} -h '{directory}/{who.name}'")
    while server.wait(0) is None and not who.out(f"ss -Hltn 'sport = :{port}'"):
        pass


def fetch(who, address, patience_s=5):
    """The page that somebody gets from an address, or what the client complains of; "silence" when nothing came."""
    get = f"timeout {patience_s} busybox wget -q -O - 'http://{address}' 2>&1"
    return who.out(get, check=False).strip() or "silence"
