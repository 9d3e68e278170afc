"""One switch for each step that a learner has kept a function for: yours or the reference — ipywidgets."""

import ipywidgets as widgets

from labcore.errors import LabError, describe

from . import svg

CHOICES = ("reference", "yours")


class Switches(widgets.VBox):
    """A switch for each address, and a button that runs a container with the chosen functions of one's own."""

    def __init__(self, addresses, run):
        self.run = run
        self.rows = {address: self.switch() for address in addresses}
        self.button = widgets.Button(description="Run a container", icon="play")
        self.button.add_class("lab-switches-run")
        self.button.on_click(lambda _: self.press())
        self.said = widgets.HTML("" if addresses else "Nothing is kept yet: a check that passed lets you keep().")
        self.said.add_class("lab-switches-said")
        lines = [widgets.HBox([widgets.HTML(f"<code>{svg.escape(address)}</code>", layout={"width": "18em"}), switch])
                 for address, switch in self.rows.items()]  # fmt: skip
        super().__init__([*lines, self.button, self.said])
        self.add_class("lab-switches")

    def switch(self):
        """Make one switch; it begins at the reference."""
        return widgets.ToggleButtons(options=CHOICES, style={"button_width": "7em"})

    def chosen(self):
        """The addresses that stand on `yours`."""
        return [address for address, switch in self.rows.items() if switch.value == "yours"]

    def press(self):
        """Run a container with what is chosen, and show what it prints, or why there is none."""
        chosen = self.chosen()
        try:
            text = self.run(chosen)
        except (LabError, OSError) as error:
            text = str(error) if isinstance(error, LabError) else describe(error)
        lines = "<br>".join(map(svg.escape, text.rstrip("\n").split("\n")))
        head = f"yours: {', '.join(chosen) or 'none'}"
        self.said.value = f'<div role="status" aria-live="polite"><b>{svg.escape(head)}</b><pre>{lines}</pre></div>'
