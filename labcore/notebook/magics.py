"""%%on NAME: the cell's Python runs in that process, with fresh names plus those of labcore.syscalls."""

import ast
import linecache
import marshal

from .. import errors
from . import process


def on(line, cell):
    """%%on alice — run this cell's Python in alice; nothing it names lives on after the cell."""
    name = line.strip()
    actor = process.CAST.get(name)
    if actor is None or not name:
        known = " ".join(sorted(n for n in process.CAST if not n.startswith("."))) or "none yet"
        raise errors.LabError(f"%%on {name or 'whom?'}: there is no such process", f"there are: {known}")
    file = f"<your cell on {name}>"
    tree = ast.parse(cell, file)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    parts = [compile(tree, file, "exec")]
    if last is not None and not cell.rstrip().endswith(";"):
        parts.append(compile(ast.Interactive([last]), file, "single"))  # its value is shown, as in any cell
    elif last is not None:
        parts.append(compile(ast.Module([last], []), file, "exec"))
    linecache.cache[file] = len(cell), None, cell.splitlines(True), file
    code = [marshal.dumps(part).decode("latin-1") for part in parts]
    actor._ask("cell", {"code": code}, process.show, process.show, text=cell)


def register():
    """Teach %%on to the notebook, if this is one."""
    try:
        shell = get_ipython()  # noqa: F821  a notebook's own name
    except NameError:
        from sys import modules

        shell = modules["IPython"].get_ipython() if "IPython" in modules else None
    if shell is not None:
        shell.register_magic_function(on, "cell", "on")
