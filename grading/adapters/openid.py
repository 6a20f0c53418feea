"""Signing in with an OpenID provider: authorization code with PKCE, by Authlib; tokens read by joserfc.

Nothing is fetched before somebody signs in; what the provider says about itself is kept for an hour.

References
----------
OpenID Connect Core 1.0 and Discovery 1.0; IETF RFC 6749, RFC 7636 (PKCE) and RFC 9207 (``iss``).
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from grading.errors import PassingFailure, Refused
from grading.ports import Begun, SignedIn

# Signatures with the provider's keys alone: never "none", and nothing that a client secret could make.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
SCOPE = "openid email profile"
SECONDS = 10
KEPT = timedelta(hours=1)
# Clocks differ.
LEEWAY = 60


class OpenIdProvider:
    """One provider, as the operator configured it. Fulfils `grading.ports.IdentityProvider`."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self._about: tuple[datetime, Mapping[str, Any]] | None = None

    def begin(self, back: str, *, now: datetime) -> Begun:
        with self._session(back) as client:
            state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
            verifier = secrets.token_urlsafe(48)
            url, _state = client.create_authorization_url(
                self._discover(now)["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        return Begun(url, state, nonce, verifier)

    def finish(
        self,
        back: str,
        answer: Mapping[str, str],
        *,
        state: str,
        nonce: str,
        verifier: str,
        now: datetime,
    ) -> SignedIn:
        about = self._discover(now)
        if answer.get("iss", self.issuer) != self.issuer:
            raise Refused("This answer is from another provider.")
        try:
            with self._session(back) as client:
                tokens = client.fetch_token(
                    about["token_endpoint"],
                    authorization_response=f"{back}?{urlencode(answer)}",
                    state=state,
                    code_verifier=verifier,
                    timeout=SECONDS,
                )
        except requests.RequestException as error:
            raise _away() from error
        except AuthlibBaseError as error:
            # A forged state, a used code, a refusal of the person: none of them signs anybody in.
            raise _refused() from error
        claims = self._claims(str(tokens.get("id_token", "")), about, nonce, now)
        return SignedIn(
            issuer=self.issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            email_verified=claims.get("email_verified") is True,
            name=str(claims.get("name", "")),
            assurance=str(claims.get("acr", "")),
        )

    def _claims(
        self, token: str, about: Mapping[str, Any], nonce: str, now: datetime
    ) -> Mapping[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=round(now.timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True, "allow_blank": False},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            keys = KeySet.import_key_set(self._fetch(about["jwks_uri"]))
            claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
            registry.validate(claims)
        except (JoseError, ValueError, KeyError) as error:
            raise _refused() from error
        # With several audiences it must have been made out to us.
        if claims.get("azp", self._client_id) != self._client_id:
            raise _refused()
        return claims

    def _discover(self, now: datetime) -> Mapping[str, Any]:
        if self._about is None or now - self._about[0] >= KEPT:
            about = self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if about.get("issuer") != self.issuer or not all(about.get(name) for name in wanted):
                raise _away()
            self._about = now, about
        return self._about[1]

    def _fetch(self, url: str) -> Any:
        try:
            answer = requests.get(url, timeout=SECONDS, allow_redirects=False)
            answer.raise_for_status()
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise _away() from error
        if not isinstance(body, dict):
            raise _away()
        return body

    def _session(self, back: str) -> Any:
        return OAuth2Session(
            self._client_id,
            self._client_secret,
            scope=SCOPE,
            redirect_uri=back,
            code_challenge_method="S256",
        )


def _away() -> PassingFailure:
    return PassingFailure(
        "The institution’s sign-in cannot be reached. Try again later, or sign in with your password."
    )


def _refused() -> Refused:
    return Refused("The institution’s sign-in did not succeed. Begin again from the sign-in page.")
