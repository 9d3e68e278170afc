"""The ID maps of a chain of user namespaces, read from outside — user_namespaces(7).

What a map file says depends on who opens it: the second number is an ID in the namespace of the reader, or, for a
reader in the same namespace, in its parent. Here all are opened on the host; `relative` finds the IDs of the parent.
"""


def parse(text):
    """The lines of a uid_map or gid_map as (inside, outside, count)."""
    return [tuple(int(word) for word in line.split()) for line in text.splitlines()]


def relative(level, parent):
    """A map whose outside is the host, with the IDs of the parent as its outside; both were read on the host."""
    return [(first, inner + out - start, count) for first, out, count in level
            for inner, start, size in parent if start <= out < start + size]  # fmt: skip


def chain(looks):
    """(users, groups): the maps between each process and the next one further out; the last is against the host."""
    found = []
    for name in ("uid_map", "gid_map"):
        levels = [parse(seen[name]) for seen in looks]
        found.append([relative(level, parent) for level, parent in zip(levels, levels[1:], strict=False)] + levels[-1:])
    return found
