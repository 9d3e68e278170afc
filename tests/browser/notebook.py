"""A notebook in JupyterLab as a person uses it: the menu, the cells and what stands below them."""

from playwright.sync_api import expect

RUN_MS = 60_000
ERROR = "application/vnd.jupyter.stderr"  # JupyterLab draws an exception as it draws standard error

# what stands in each code cell: its prompt, the kinds of its outputs, its text
CELLS = """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].map(cell => ({
    prompt: cell.querySelector('.jp-InputPrompt')?.textContent ?? '',
    kinds: [...cell.querySelectorAll('.jp-OutputArea-output')].map(out => out.dataset.mimeType ?? ''),
    text: cell.querySelector('.jp-OutputArea')?.textContent ?? '',
}))"""
# a cell that waits shows a star; a run may be over before anybody looks, so the page itself watches for the first one
WATCH = """() => { window.firstStar = new Promise(seen => new MutationObserver((_, watch) => {
    if (document.querySelector('.jp-Notebook')?.textContent.includes('[*]')) { watch.disconnect(); seen(true); }
}).observe(document.body, {subtree: true, childList: true, characterData: true})); }"""
ENDED = """() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'
    && ![...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]
        .some(prompt => prompt.textContent.includes('*'))"""
PICTURES = """() => Promise.all([...document.querySelectorAll('.jp-Notebook .jp-RenderedSVG img')].map(async img => {
    img.scrollIntoView();
    await img.decode();
    const at = img.getBoundingClientRect(), room = img.closest('.jp-OutputArea').getBoundingClientRect();
    return {natural: img.naturalWidth, width: at.width, height: at.height, over: at.right - room.right};
}))"""


def open_notebook(page, server, path, code_cells):
    """Open one notebook; returns when its cells are there, which takes a moment, and its kernel."""
    page.goto(f"{server.address}lab/tree/{path}?token={server.token}")
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(code_cells, timeout=RUN_MS)
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_visible(timeout=RUN_MS)


def run_all(page):
    """Run > Run All Cells; returns the cells when none of them is waiting any more and the kernel is idle."""
    page.evaluate(WATCH)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.evaluate("() => window.firstStar")
    page.wait_for_function(ENDED, timeout=RUN_MS)
    return page.evaluate(CELLS)


def pictures(page):
    """Every SVG picture below a cell, decoded: its own width, the drawn one, pixels beyond the cell's right edge."""
    return page.evaluate(PICTURES)


class Stepper:
    """The widget that walks a plan, as it is on the page."""

    def __init__(self, page):
        self.page, self.at = page, page.locator(".jp-Notebook .lab-stepper")
        self.status = self.at.locator(".lab-stepper-status")

    def press(self, name):
        """Press one of its buttons."""
        self.at.locator(f".lab-stepper-{name}").click()

    def step(self, count):
        """Press Step and wait for that step; returns what the status says."""
        self.press("step")
        expect(self.status).to_contain_text(f"Step {count} of ")
        return self.status.inner_text()

    def sides(self, fact):
        """(host, inside) of one row of the table below the status."""
        head = self.page.get_by_role("rowheader", name=fact, exact=True)
        return tuple(self.at.get_by_role("row").filter(has=head).get_by_role("cell").all_inner_texts())
