"""Speed and memory, side by side with crun and runc, as ratios within one run.

usage: make bench ARGS='[OPTION…]'

  --quick         fewer rounds: a minute or two, for a first impression
  --only NAME     one figure; may be given again: notebook holding command import many memory unit peers
                  network, limits
  --rounds N      this many rounds for each pair
  --json          the result as JSON on standard output
  --write         also write the table to docs/figures.md
  -h, --help      this text

examples:
  make bench                                     everything: about six minutes
  make bench ARGS=--quick
  make bench ARGS='--only notebook --rounds 200'
  make bench ARGS='--json' > figures.json
  make bench ARGS='--write'                      on a quiet machine

Two things are compared by doing them in turn, A B A B …; a row is the ratio of the medians, the middle half of the
pairs' ratios, the largest ratio allowed, and the ratio of processor time, which depends less on what else runs.
Exit status: 0 every target is met, 1 one is not or could not be measured, 2 usage, 130 interrupted.
"""

import argparse
import compileall
import json
import os
import signal
import sys

import figures
import machine
import pairs
import stage as stages

INTRODUCTION = """# Figures

Written by `make bench ARGS=--write`. Two things are compared by doing them in turn within one run: ratios carry over to
other machines, milliseconds do not. `is` is the ratio of the medians (or the quantity itself), `middle half` where the
middle half of the pairs lies, `ms` the two medians, `CPU` the ratio of processor time.
"""


def options(words):
    """The words of the command line; leaves with 2 when they mean nothing."""
    parser = argparse.ArgumentParser(prog="bench", add_help=False, usage="make bench ARGS='[OPTION…]' (--help tells)")
    parser.add_argument("-h", "--help", action="store_true")
    for word in ("--quick", "--json", "--write"):
        parser.add_argument(word, action="store_true")
    parser.add_argument("--only", action="append", choices=list(figures.FIGURES))
    parser.add_argument("--rounds", type=int)
    chosen = parser.parse_args(words)
    if chosen.rounds is not None and chosen.rounds < 1:
        parser.error("--rounds: must be 1 or more")
    return chosen


def say(text="", end="\n"):
    """Progress goes to standard error; on a terminal it stays on one line."""
    if end == "\n" or sys.stderr.isatty():
        print(f"\r\033[K{text}" if sys.stderr.isatty() else text, end=end, file=sys.stderr, flush=True)


def measure(chosen):
    """All rows that were asked for."""
    rows, stage = [], stages.Stage()
    try:
        for name in chosen.only or figures.FIGURES:
            _, full, quick, _ = figures.FIGURES[name]
            rounds = chosen.rounds or (quick if chosen.quick else full)
            tick = lambda text, name=name: say(f"{name}: {text}", end="")  # noqa: E731
            say(f"{name} …", end="")
            for row in figures.measure(name, stage, rounds, tick):
                rows.append(row | {"figure": name, "verdict": pairs.verdict(row)})
                say("  ".join(filter(None, pairs.cells(row))))
    finally:
        say("tidying up …", end="")
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C shall not leave containers behind
        stage.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        say(end="" if sys.stderr.isatty() else "\n")
    return rows


def report(rows, facts):
    """The page that docs/figures.md is."""
    lines = [INTRODUCTION, pairs.table(rows), "", "Measured on:", "", *(f"- {what}: {value}" for what, value in facts)]
    return "\n".join(lines) + "\n"


def main():
    """Measure, show, judge."""
    chosen = options(sys.argv[1:])
    if chosen.help:
        print(__doc__.strip())
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -20)  # inherited by all that is measured
    compileall.compile_dir(stages.ROOT / "labcore", quiet=2)  # as make does: what is measured writes no bytecode itself
    busy, before = machine.load(), machine.stolen()
    if busy > 1:
        say(f"warning: load average {busy:.2f}: something else runs here, and the figures will show it")
    try:
        rows = measure(chosen)
    except KeyboardInterrupt:
        say("interrupted; nothing is left behind")
        return 130
    gone, all_of_it = (b - a for a, b in zip(before, machine.stolen(), strict=True))
    facts = [*machine.facts(stages.ROOT), ("load average before", f"{busy:.2f}"),
             ("taken by other machines on the same hardware", f"{100 * gone / max(all_of_it, 1):.1f} %")]  # fmt: skip
    if chosen.json:
        print(json.dumps({"rows": rows, "machine": dict(facts)}, indent=1, ensure_ascii=False))
    else:
        print(report(rows, facts).removeprefix(INTRODUCTION).lstrip())
    if chosen.write:
        (stages.ROOT / "docs/figures.md").write_text(report(rows, facts), encoding="utf-8")
    return 0 if pairs.passed(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
