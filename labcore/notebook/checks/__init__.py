"""The checks of the exercises, one file per notebook: nb01.py for 01-uts.

Each file holds plain functions, which take the learner's answer and raise NotYet(slug, observed, likely, look_at)
or return, and two dicts:

    CHECKS = {"1.2": alice_has_her_own_name}
    KEEPS = {"1.2": "uts.set_hostname"}        # the answer to 1.2 may take the place of this step (optional)

docs/authoring.md has an example.
"""
