"""The explorer's page for everybody: axe finds nothing wrong, in light and in dark."""

import pytest

pytestmark = pytest.mark.slow

PLACES = {
    "data": "#/data?edit=3&shift.shear_scale=1&label_noise=0.5&positions=shuffled",
    "own order": "#/data?final_seq_length=8&positions=7,6,5,4,3,2,1,0&seed=-1&note=Look",
    "train": "#/train",
    "training": "#/train?models=Logistic,MLP&steps=1&samples=200&runs=2",
    "phenomena": "#/phenomena",
    "test": "#/test",
    "question": "#/test?test=shuffled",
    "answers": "#/test?block=0",
    "result": "#/test?block=0",
    "about": "#/about",
}


@pytest.fixture(scope="module")
def axe():
    name = "axe_playwright_python.sync_playwright"
    return pytest.importorskip(name, reason="axe-playwright-python is not installed").Axe()


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_no_violation(axe, visit, place):
    # Tables are wider than a phone.
    size = {"width": 390, "height": 800} if place == "training" else {"width": 1280, "height": 900}
    page = visit(PLACES[place], color_scheme="light", reduced_motion="reduce", viewport=size)
    if place == "training":
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_selector(".scores", timeout=120_000)
        page.locator(".confusion .off").first.click()
    answered = {"question": 0, "answers": 10, "result": 100}.get(place)
    if answered is not None:
        page.get_by_role("button", name="Start with").click()
        page.get_by_role("button", name="Begin the test").click()
        for i in range(answered):
            page.wait_for_selector(f"text=Sample {i + 1} of 100")
            page.keyboard.press(str(i % 7))
            if i % 10 == 9 and place == "result":
                page.get_by_role("button", name="Continue").click()
        headings = {0: "Sample 1 of 100", 10: "of the last ten are right", 100: "of 100 right"}
        page.wait_for_selector(f"text={headings[answered]}")
    results = axe.run(page)
    assert results.violations_count == 0, results.generate_report()
    assert len(results.response["passes"]) > 10
    # The schemes differ in colours alone.
    page.emulate_media(color_scheme="dark")
    results = axe.run(page, options={"runOnly": ["color-contrast"]})
    assert results.violations_count == 0, results.generate_report()
    assert [each["id"] for each in results.response["passes"]] == ["color-contrast"]
