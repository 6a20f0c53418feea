"""Names beside a scale: moved apart where they would touch, each as little as needed."""


def apart(
    named: list[tuple[float, str]], row: float, top: float, bottom: float
) -> list[tuple[float, str]]:
    """Move names that would touch apart, from the top down and back up."""
    placed = sorted(named)
    heights = [height for height, _ in placed]
    for index, height in enumerate(heights):
        floor = heights[index - 1] + row if index else top
        heights[index] = max(height, floor)
    ceiling = bottom
    for index in reversed(range(len(heights))):
        heights[index] = min(heights[index], ceiling)
        ceiling = heights[index] - row
    return [(height, label) for height, (_, label) in zip(heights, placed, strict=True)]
