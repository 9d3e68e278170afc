"""A plan walked by hand: one press of a button, one real step, and a look at both sides — ipywidgets."""

import ipywidgets as widgets

from labcore.errors import LabError, describe

from . import plan, svg

BUTTONS = {  # the method: its label, its icon, what it does
    "step": ("Step", "step-forward", "Perform the next step."),
    "run": ("Run to end", "fast-forward", "Perform every step that is left."),
    "reset": ("Reset", "refresh", "Take everything down and begin again before the first step."),
    "end": ("End", "stop", "Take everything down."),
}
OPEN = {}  # by key: a cell that runs again ends the stepper that it made before
CELL = "padding:2px 20px 2px 0;text-align:left;vertical-align:top;font-family:monospace;line-height:1.5"
CHIP = (
    "display:inline-block;line-height:1.4;margin:2px 8px 2px 0;padding:0 10px;border-radius:4px;color:#1f2a33;"
    "border:1.5px solid"
)


class Stepper(widgets.VBox):
    """Buttons over a generator that performs one step each time it is advanced; it is never advanced unasked."""

    def __init__(self, steps, look=None, restart=None, on_close=None, total=None, key="plan"):
        if key in OPEN:
            OPEN[key].end()
        self.steps, self.look, self.restart, self.on_close = iter(steps), look, restart, on_close
        self.total, self.key = total, key
        self.status, self.table = widgets.HTML(), widgets.HTML()
        self.status.add_class("lab-stepper-status")
        self.table.add_class("lab-stepper-look")
        self.buttons = {name: self.button(name) for name in BUTTONS}
        super().__init__([widgets.HBox(list(self.buttons.values())), self.status, self.table])
        self.add_class("lab-stepper")
        self.begin()

    def button(self, name):
        """Make one button; its class `lab-stepper-NAME` stays the same for tests."""
        label, icon, tooltip = BUTTONS[name]
        made = widgets.Button(description=label, icon=icon, tooltip=tooltip)
        made.add_class(f"lab-stepper-{name}")
        made.on_click(lambda _: getattr(self, name)())
        return made

    def begin(self):
        """Stand before the first step."""
        OPEN[self.key] = self
        self.phase, self.count, self.current, self.error = "ready", 0, None, None
        self.seen, self.before = {}, None
        self.observe_sides()
        self.show()

    def step(self):
        """Perform one step, then look at both sides."""
        self.advance()
        self.observe_sides()
        self.show()

    def run(self):
        """Perform every step that is left, then look at both sides."""
        while self.advance():
            self.show()
        self.observe_sides()
        self.show()

    def advance(self):
        """Advance the generator once; say whether there may be another step."""
        if self.phase not in ("ready", "walking"):
            return False
        try:
            self.current = plan.as_row(next(self.steps))
        except StopIteration:
            self.phase = "done"
        except (Exception, KeyboardInterrupt) as error:
            self.phase, self.error = "failed", spell(error)
        else:
            self.phase, self.count = "walking", self.count + 1
        return self.phase == "walking"

    def reset(self):
        """End this walk and make a new one, whose first step waits for a button."""
        if self.phase != "ended":
            self.end()
            if self.error:
                return  # shown first; a second press goes on
        if self.restart is None:
            return
        try:
            self.steps = iter(self.restart())
        except Exception as error:
            self.error = spell(error)
            self.show()
        else:
            self.begin()

    def end(self):
        """Close the generator, then clean up: both once for each walk, whatever the first one says."""
        if self.phase == "ended":
            return
        self.phase, self.error = "ended", None
        if OPEN.get(self.key) is self:
            del OPEN[self.key]
        for clean_up in (getattr(self.steps, "close", None), self.on_close):
            try:
                if clean_up:
                    clean_up()
            except Exception as error:
                self.error = self.error or spell(error)
        self.show()

    def close(self):
        """End the walk and take the widget off the page."""
        if "phase" in vars(self):  # ipywidgets also closes what was never finished
            self.end()
        super().close()

    def observe_sides(self):
        """Ask what both sides look like now; a look that fails is shown and stops nothing."""
        if self.look is None or self.phase == "ended":
            return
        try:
            seen = self.look()
        except Exception as error:
            seen = {"host": {"look": spell(error)}, "inside": {}}
        self.before, self.seen = self.seen, seen

    def show(self):
        """Write the state of the walk into the widgets."""
        going = self.phase in ("ready", "walking")
        self.buttons["step"].disabled = self.buttons["run"].disabled = not going
        self.buttons["reset"].disabled = self.restart is None
        self.buttons["end"].disabled = self.phase == "ended"
        self.status.value = status(self)
        self.table.value = "" if self.phase == "ended" else sides(self.seen, self.before)  # what it showed is gone


def spell(error):
    """Write an error the way the command line does."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(error) if isinstance(error, LabError) else describe(error)


def status(stepper):
    """Write where the walk is: the last step, its place, its explanation."""
    of = f" of {stepper.total}" if stepper.total else ""
    phase = {
        "ready": "Nothing has happened yet. Press Step.",
        "walking": f"Step {stepper.count}{of}",
        "done": f"Done: {plan.plural(stepper.count, 'step')}.",
        "failed": f"Stopped after {plan.plural(stepper.count, 'step')}" + (
            "; the last one that worked:" if stepper.current else "."
        ),
        "ended": "Ended; everything was taken down.",
    }[stepper.phase]
    parts = [f"<div><b>{svg.escape(phase)}</b></div>"]
    if stepper.current:
        parts.append(current(*stepper.current))
    if stepper.error:
        lines = "<br>".join(map(svg.escape, stepper.error.split("\n")))
        parts.append(f'<div class="lab-stepper-error" style="margin-top:6px"><b>error</b> {lines}</div>')
    return f'<div role="status" aria-live="polite" style="line-height:1.6;min-height:6em">{"".join(parts)}</div>'


def current(place, address, words, took):
    """Write one step."""
    ground, edge = (svg.INSIDE, svg.INSIDE_EDGE) if place == "inside" else (svg.HOST, svg.HOST_EDGE)
    chip = f'<span style="{CHIP} {edge};background:{ground}">{svg.escape(place)}</span>'
    time = "" if took is None else f" <span>{plan.spell(took)} µs</span>"
    return f"<div>{chip} <code>{svg.escape(address)}</code>{time}</div><div>{svg.escape(words)}</div>"


def sides(seen, before):
    """Write host and inside next to each other; what the last step changed is bold and says so."""
    if not seen:
        return ""
    places = {place: seen.get(place) or {} for place in plan.PLACES}
    names = list(dict.fromkeys(name for facts in places.values() for name in facts))
    head = "".join(f'<th scope="col" style="{CELL};min-width:12em">{name}</th>' for name in ("", *places))
    lines = [f"<tr>{head}</tr>"]
    for name in names:
        cells = [f'<th scope="row" style="{CELL};font-weight:normal">{svg.escape(name)}</th>']
        for place, facts in places.items():
            value = svg.escape(facts.get(name, "–"))
            if before and (before.get(place) or {}).get(name) != facts.get(name):
                value = f"<b>{value} ◂ changed</b>"
            cells.append(f'<td style="{CELL}">{value}</td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'
