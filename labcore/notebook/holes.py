"""Solutions and the holes left in their place: what a learner's copy is made of.

An author writes the answer between two marker lines (nbgrader's). The learner's copy has `...` there.
"""

import ast
import copy
import textwrap

from ..errors import LabError
from .book import is_code, tags

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def _regions(source):
    """The lines of a cell as ("text" | "solution", [lines]) in order."""
    parts, kind = [["text", []]], "text"
    for line in source.splitlines():
        marker = line.strip()
        if marker in (BEGIN, END):
            if (marker == BEGIN) == (kind == "solution"):
                raise LabError(f"cell {source.splitlines()[0]!r}: solution markers do not pair up")
            kind = "solution" if marker == BEGIN else "text"
            parts.append([kind, []])
        else:
            parts[-1][1].append(line)
    if kind == "solution":
        raise LabError(f"cell {source.splitlines()[0]!r}: {BEGIN} without {END}")
    return parts


def hole(source):
    """A cell as the learner gets it: each solution is `...`, or `name = ...` where it assigns at top level."""
    lines = []
    for kind, part in _regions(source):
        lines += part if kind == "text" else _dots(part)
    return "\n".join(lines)


def _dots(solution):
    indent = next((line[: len(line) - len(line.lstrip())] for line in solution if line.strip()), "")
    statements = ast.parse(textwrap.dedent("\n".join(solution))).body
    if not indent and statements and all(isinstance(s, ast.Assign) for s in statements):
        # a later cell names the value: without it an untouched hole would be a NameError instead of a diagnosis
        return list(dict.fromkeys(f"{ast.unparse(target)} = ..." for s in statements for target in s.targets))
    return [f"{indent}..."]


def answer_size(source):
    """How many lines of code the solution of a cell has; comments and blank lines do not count."""
    lines = [line.strip() for kind, part in _regions(source) if kind == "solution" for line in part]
    return sum(bool(line) and not line.startswith("#") for line in lines)


def solution_text(source):
    """A cell with its solution, without the markers."""
    return "\n".join(line for _, part in _regions(source) for line in part)


def learner_copy(book):
    """The learner's notebook: holes for answers, the same cell ids, no outputs, no counts."""
    book = copy.deepcopy(book)
    book["cells"] = [cell for cell in book["cells"] if "instructor-only" not in tags(cell)]
    for cell in book["cells"]:
        kinds = tags(cell)
        if "exercise" in kinds and is_code(cell):
            cell["source"] = hole(cell["source"])
        if kinds & {"exercise", "check", "setup"}:
            cell["metadata"]["deletable"] = False
        if kinds & {"check", "setup"}:
            cell["metadata"]["editable"] = False
        if is_code(cell):
            cell["outputs"], cell["execution_count"] = [], None
    return book
