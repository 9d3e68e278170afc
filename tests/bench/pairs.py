"""Numbers from a noisy machine: alternating pairs, medians, spread, and what they say about a target. Pure."""

import statistics


def quartiles(values):
    """(first quartile, median, third quartile)."""
    values = sorted(values)
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratio(ours, theirs):
    """Ours against theirs: the ratio of the medians, and how far the middle half of the pairs lies apart."""
    low, _, high = quartiles([a / b for a, b in zip(ours, theirs, strict=True)])
    return {"value": statistics.median(ours) / statistics.median(theirs), "low": low, "high": high,
            "best": min(ours) / min(theirs)}  # fmt: skip


def difference(ours, theirs):
    """What ours costs beyond theirs: the median of the differences in each pair."""
    low, middle, high = quartiles([a - b for a, b in zip(ours, theirs, strict=True)])
    return {"value": middle, "low": low, "high": high, "best": min(ours) - min(theirs)}


def absolute(values):
    """A quantity of its own, with nothing to compare it with."""
    low, middle, high = quartiles(values)
    return {"value": middle, "low": low, "high": high, "best": min(values)}


def verdict(row):
    """"ok", "over", "-" where there is no target, or "none" where nothing could be measured."""
    if row.get("error"):
        return "none"
    if row["target"] is None:
        return "-"
    return "ok" if row["value"] <= row["target"] and not row.get("wrong") else "over"


def passed(rows):
    """Is every target met? What could not be measured has not been met."""
    return all(verdict(row) in ("ok", "-") for row in rows)


def show(value, unit):
    """A number as the table has it: `0.62 ×`, `12.3 ms`."""
    digits = 2 if unit == "×" or abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f} {unit}"


def cells(row):
    """One row of the table as texts."""
    if row.get("error"):
        return [row["what"], row["against"], f"not measured: {row['error']}", "", "", "", "", "not met"]
    unit, mark = row["unit"], {"ok": "met", "over": "not met", "-": ""}[verdict(row)]
    spread = f"{show(row['low'], unit).split()[0]} to {show(row['high'], unit)}"
    both = " / ".join(show(row[key], "ms").removesuffix(" ms") for key in ("ours_ms", "theirs_ms") if row.get(key))
    cpu = f"{row['cpu']:.2f}" if row.get("cpu") else ""
    limit = "" if row["target"] is None else show(row["target"], unit)
    return [row["what"], row["against"], show(row["value"], unit), spread, limit, both, cpu,
            mark + (f": {row['wrong']}" if row.get("wrong") else "")]  # fmt: skip


HEAD = ["measured", "against", "is", "middle half", "at most", "ms", "CPU", "target"]


def table(rows):
    """The rows as a Markdown table that is also readable as it stands."""
    grid = [HEAD, *map(cells, rows)]
    width = [max(len(line[at]) for line in grid) for at in range(len(HEAD))]
    lines = ["| " + " | ".join(text.ljust(w) for text, w in zip(line, width, strict=True)) + " |" for line in grid]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in width) + "|", *lines[1:]])
