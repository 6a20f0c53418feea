"""What a person can ask about themself: their data, its erasure, to whom it went, and to whom it goes."""

from flask import Flask

from grading.web.privacy import own, partners, words


def register(app: Flask) -> None:
    words.register(app)
    app.register_blueprint(own.bp)
    app.register_blueprint(partners.bp)
