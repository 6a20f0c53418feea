"""One run of a capstone: its calendar and people, the projects handed in, groups and granted time."""
