"""A step is data; its address is a function's own name."""

import pytest

from labcore import jsonfile, plan, step, uts  # noqa: F401 (plan: the modules whose addresses resolve)


def test_step_is_json_and_comes_back():
    made = step.inside(uts.set_hostname, name="box")
    assert made == ("inside", "uts.set_hostname", {"name": "box"}, None)
    assert step.Step(*jsonfile.loads(jsonfile.dumps(list(made)))) == made
    assert step.resolve(made) is uts.set_hostname
    assert step.explain(made) == "Name this UTS namespace — sethostname(2)."


@pytest.mark.parametrize("address", ["os.system", "nothing.here", "notebook.book.main", "uts.nothing"])
def test_address_leads_nowhere_but_into_loaded_modules_of_labcore(address):
    with pytest.raises((KeyError, AttributeError)):
        step.resolve(step.Step("host", address))


def test_handles_are_filled_in_where_an_argument_or_an_item_of_a_list_is_one():
    args = {"a": {"$": "x"}, "b": [{"$": "y"}, {"c": {"$": "x"}}], "d": {"$": "x", "e": 1}, "f": "$"}
    deep = {"c": {"$": "x"}}  # deeper down it is data: the steps that park hands on, say
    assert step.fill(args, {"x": 1, "y": 2}) == {"a": 1, "b": [2, deep], "d": {"$": "x", "e": 1}, "f": "$"}
    assert step.handles_in(args) == ["x", "y"]
    with pytest.raises(KeyError):
        step.fill({"a": {"$": "z"}}, {})


def test_learners_function_has_the_system_calls_about_it():
    source = "def set_hostname(name):\n    return sethostname, CLONE_NEWUTS, name\n"
    made = step.Step("inside", "uts.set_hostname", {}, source)
    call, flag, name = step.resolve(made)("box")
    assert (call.__name__, flag, name) == ("sethostname", 0x4000000, "box")
    with pytest.raises(KeyError, match="set_hostname"):
        step.learned("uts.set_hostname", "def other(): pass")


def test_explanation_is_ours_even_when_the_function_is_the_learners():
    mine = step.Step("inside", "uts.set_hostname", {}, "def set_hostname(name): 'mine'")
    assert step.explain(mine).startswith("Name this UTS namespace")
