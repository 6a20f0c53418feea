"""How a reading is named."""

from grading.workflow.allocation import reading_signs


def test_a_reading_keeps_its_sign_and_each_pool_has_signs_of_its_own() -> None:
    readings = [("p", "professional"), ("q", "professional"), ("p", "professional"), ("r", "peer")]
    assert reading_signs(readings) == {"p": "A", "q": "B", "r": "1"}
