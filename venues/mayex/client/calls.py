"""How every call is made; the groups stand on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from venues.errors import (
    BadRequest,
    MissingCredentials,
    NotSent,
    NotSupported,
    VenueError,
    VenueUnavailable,
)
from venues.mayex import VENUE
from venues.mayex.codes import judge_new, judge_read
from venues.mayex.limits import weight_of
from venues.mayex.models.figures import Accepted, Envelope, in_envelope
from venues.mayex.parameters import Value, query_of
from venues.mayex.profile import FAIRDESK, Profile
from venues.redaction import Redaction
from venues.transport.exchange import Dispatch, Judge, Request, Session
from venues.transport.session import InSession, ask_once

T = TypeVar("T")

_is_path = re.compile(r"(?:/[A-Za-z0-9_-]+)+", re.ASCII).fullmatch

NOTHING: Mapping[str, Value] = MappingProxyType({})
ABSENT = ("404", "405")
"""The codes of a call that the venue does not have, where its answer is no envelope."""
NO_KEY = "there is no API key: this call needs one of Mayex"


class Calls(InSession):
    """One account of Mayex, or none: then only what is public can be asked."""

    def __init__(
        self,
        session: Session,
        *,
        has_key: bool,
        prefix: str = "",
        profile: Profile = FAIRDESK,
        secrets: Redaction | None = None,
    ) -> None:
        """`secrets` learns the tokens of the private stream.

        It must not be that of the session: a token whose refresh is answered with the same one has to be read.
        """
        self.secrets = secrets or Redaction()
        self._session = session
        self._has_key = has_key
        self._prefix = prefix
        self._profile = profile

    async def _ask(self, what: str, path: str, into: type[T], parameters: Mapping[str, Value] = NOTHING) -> T:
        """Reads what everybody may."""
        request = self._public(what, path, parameters)
        return (await self._session.fetch(request, in_envelope(into), judge=judge_read)).data

    async def _read(
        self,
        what: str,
        path: str,
        into: type[T],
        parameters: Mapping[str, Value] = NOTHING,
        *,
        is_urgent: bool = False,
    ) -> T:
        """Reads what is ours; an urgent one may use what the quota keeps for cancels."""
        request = self._reading(what, "GET", path, parameters, is_urgent=is_urgent)
        return (await self._session.fetch(request, in_envelope(into), judge=judge_read)).data

    async def _read_once(self, what: str, method: str, path: str, into: type[T]) -> T:
        """Reads what is ours by another verb than GET, once: whoever lost the answer asks again.

        Raises:
            VenueError: as a GET does; what was refused, or lost, changed nothing that matters.
        """
        request, dispatch = self._reading(what, method, path), Dispatch()

        def judge(status: int, body: object) -> VenueError | None:
            if isinstance(body, dict) and isinstance(words := body.get("error"), str):
                body = body | {"error": self.secrets.clean(words)}
            return judge_read(status, body)

        try:
            return (await ask_once(self._session, request, in_envelope(into), judge, dispatch)).data
        except VenueUnavailable as error:
            if dispatch.answer is None or str(dispatch.answer.status) not in ABSENT:
                raise
            raise NotSupported(VENUE, error.message, error.code) from None

    async def _command(
        self,
        what: str,
        method: str,
        path: str,
        into: Any,
        parameters: Mapping[str, Value],
        *,
        judge: Judge = judge_new,
        dispatch: Dispatch | None = None,
        is_cancel: bool = False,
    ) -> Any:
        """Sends what changes something, at most once; returns the data of its acknowledgement, of type `into`."""
        request = self._commanding(what, method, path, parameters, is_cancel=is_cancel)
        whole: Envelope[Any] = await self._session.command(
            request, in_envelope(into), refusals=judge, dispatch=dispatch
        )
        return whole.data

    async def _act(
        self,
        what: str,
        method: str,
        path: str,
        parameters: Mapping[str, Value],
        *,
        judge: Judge = judge_new,
        dispatch: Dispatch | None = None,
        is_cancel: bool = False,
    ) -> msgspec.Raw:
        """Sends what changes something, at most once; returns what its acknowledgement says besides, as JSON."""
        request = self._commanding(what, method, path, parameters, is_cancel=is_cancel)
        return (await self._session.command(request, Accepted, refusals=judge, dispatch=dispatch)).data

    def _public(self, what: str, path: str, parameters: Mapping[str, Value] = NOTHING) -> Request:
        return self._request(what, "GET", path, parameters, is_private=False)

    def _reading(
        self,
        what: str,
        method: str,
        path: str,
        parameters: Mapping[str, Value] = NOTHING,
        *,
        is_urgent: bool = False,
    ) -> Request:
        if not self._has_key:
            raise MissingCredentials(VENUE, NO_KEY)
        return self._request(what, method, path, parameters, is_cancel=is_urgent)

    def _commanding(
        self, what: str, method: str, path: str, parameters: Mapping[str, Value], *, is_cancel: bool
    ) -> Request:
        if not self._has_key:
            raise NotSent(VENUE, NO_KEY)
        return self._request(what, method, path, parameters, is_cancel=is_cancel)

    def _request(
        self,
        what: str,
        method: str,
        path: str,
        parameters: Mapping[str, Value],
        *,
        is_private: bool = True,
        is_cancel: bool = False,
    ) -> Request:
        """GET and DELETE have their parameters in the query, POST and PUT as JSON in the body (section 1)."""
        if not _is_path(path):
            raise BadRequest(VENUE, "a path that can not be asked for")
        has_body = method in ("POST", "PUT") and bool(parameters)
        return Request(
            what=what,
            method=method,
            path=self._prefix + path,
            query="" if has_body else query_of(parameters),
            body=msgspec.json.encode(dict(parameters)) if has_body else b"",
            is_private=is_private,
            weight=weight_of(path) if is_private else (),
            is_cancel=is_cancel,
        )
