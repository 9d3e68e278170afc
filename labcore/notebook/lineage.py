"""Who descends from whom, and under which numbers: read from /proc by the actor that nobody sees — proc(5)."""

import os

from . import link, looking, process

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def below(roots):
    """[[number, level, name, state, numbers, namespace], …] of these processes and all below them, parents first."""
    found, todo = [], [(number, 0) for number in reversed(roots)]
    while todo:
        number, level = todo.pop()
        at, children = f"/proc/{number}", []
        try:
            with open(f"{at}/status", errors="replace") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            for task in os.listdir(f"{at}/task"):
                with open(f"{at}/task/{task}/children") as file:
                    children += [(int(word), level + 1) for word in file.read().split()]
            place = os.readlink(f"{at}/ns/pid")
        except OSError:
            continue  # gone meanwhile
        if all(number != known[0] for known in found):
            numbers = [int(word) for word in status["NSpid"].split()]
            found.append([number, level, status["Name"], status["State"][0], numbers, place])
            todo += reversed(children)
    return found


def rows(processes):
    """What views.tree draws: actors and containers, with everybody below them, and no number that varies."""
    names = {each.pid: each.name for each in process.CAST.values() if each.alive}
    boxes = {each.pid: each.name for each in processes if not isinstance(each, process.Process)}
    roots = [each.pid for each in processes if each.pidfd is not None]
    host = link.here().known["namespaces"]["pid"]
    found = looking.eye().call(below, roots)
    chains, letters = known_chains(found, host), {host: "host"}
    for row in found:
        for place in chains[row[5]]:
            letters.setdefault(place, "?" if place is None else LETTERS[(len(letters) - 1) % 26])
    out = []
    for number, level, name, state, numbers, place in found:
        name = names.get(number) or (f"{boxes[number]}: {name}" if number in boxes else name)
        places = [letters[at] for at in chains[place]]
        out.append((name, level, list(zip(places, numbers[1:], strict=True)), state in "ZX"))
    return out


def known_chains(found, host):
    """{namespace: the namespaces from the host's, which is left out, down to it}; None for one that is not known."""
    chains, above = {host: []}, []
    for _ in range(2):  # twice, since somebody may have come into a namespace that is met further down
        for _, level, _, _, numbers, place in found:
            del above[level:]
            outer = chains.get(above[-1]) if above else []
            if place not in chains and outer is not None and len(outer) == len(numbers) - 2:
                chains[place] = [*outer, place]
            above += [place] * (level + 1 - len(above))
    for _, _, _, _, numbers, place in found:
        chains.setdefault(place, [None] * (len(numbers) - 2) + [place])
    return chains
