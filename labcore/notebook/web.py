"""A web server and a web client, both plain busybox.

    serve(alice, "Alice's shop")        # her page, on port 80; returns when the server listens
    fetch(bob, "10.4.0.2")              # the page, or what went wrong, or "silence"

Pages lie in a directory of a file system that a lesson has mounted on /mnt. Where that is not mounted there is no such
directory, and nothing is written.
"""

PAGES = "/mnt/pages"


def serve(who, page, port=80):
    """Have somebody serve one page; returns when the server listens, or has given up: ss(8)."""
    own = f"{PAGES}/{who.name}"
    who.out(f"cd {PAGES} && mkdir -p '{who.name}' && cat > '{own}/index.html' <<'END'\n{page}\nEND")
    server = who.start(f"exec busybox httpd -f -p 0.0.0.0:{port} -h '{own}'")
    while server.wait(0) is None and not who.out(f"ss -Hltn 'sport = :{port}'"):
        pass


def fetch(who, address, patience_s=5):
    """The page that somebody gets from an address, or what the client complains of; "silence" when nothing came."""
    get = f"timeout {patience_s} busybox wget -q -O - 'http://{address}' 2>&1"
    return who.out(get, check=False).strip() or "silence"
