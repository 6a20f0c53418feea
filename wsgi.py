"""The service for a WSGI server: ``gunicorn wsgi:app``."""

import os

from grading.app import create_app
from grading.settings import from_environment

app = create_app(from_environment(os.environ))
