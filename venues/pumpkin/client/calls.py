"""How every call is made; the groups stand on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from venues.errors import (
    BadRequest,
    MissingCredentials,
    NotSent,
    RateLimited,
    VenueUnavailable,
)
from venues.pumpkin import PREFIX, VENUE
from venues.pumpkin.auth import FORM
from venues.pumpkin.client.session import QUOTA_USED_UP
from venues.pumpkin.codes import QuotaUsedUp, judge_new, judge_read
from venues.pumpkin.limits import weight_of
from venues.pumpkin.models.figures import Accepted, in_envelope
from venues.pumpkin.models.words import Direction
from venues.pumpkin.parameters import Value, encode, limit_of, maybe_id_of, one_of, page_of, span_of
from venues.pumpkin.readings import Readings
from venues.transport.exchange import Dispatch, Judge, Request, Session
from venues.transport.parameters import compact, given
from venues.transport.session import InSession, ask_once

T = TypeVar("T")

_is_path = re.compile(r"(?:/[A-Za-z0-9_-]+)+", re.ASCII).fullmatch

NOTHING: Mapping[str, Value] = MappingProxyType({})
NO_KEY = "there is no API key: this call needs one of Pumpkin"


class Calls(InSession):
    """One account of Pumpkin, or none: then only what is public can be asked."""

    def __init__(
        self, session: Session, *, has_key: bool, prefix: str = PREFIX, readings: Readings | None = None
    ) -> None:
        self._session = session
        self._has_key = has_key
        self._prefix = prefix
        self._readings = readings or Readings()

    async def _ask(self, what: str, path: str, into: type[T], parameters: Mapping[str, Value] = NOTHING) -> T:
        """Reads what everybody may."""
        request = self._public(what, path, parameters)
        return (await self._session.fetch(request, in_envelope(into), judge=judge_read)).data

    async def _ask_bare(self, what: str, path: str, into: type[T], parameters: Mapping[str, Value] = NOTHING) -> T:
        """Reads what everybody may and what comes without an envelope: the formats of third parties."""
        return await self._session.fetch(self._public(what, path, parameters), into, judge=judge_read)

    async def _read(
        self,
        what: str,
        path: str,
        into: type[T],
        parameters: Mapping[str, Value] = NOTHING,
        *,
        judge: Judge = judge_read,
        is_urgent: bool = False,
    ) -> T:
        """Reads what is ours; an urgent one may use what the quotas keep for cancels."""
        request = self._reading(what, path, parameters, is_urgent=is_urgent)
        return (await self._session.fetch(request, in_envelope(into), judge=judge)).data

    async def _read_by_post(
        self, what: str, path: str, into: type[T], parameters: Mapping[str, Value], *, is_urgent: bool = False
    ) -> T:
        """Reads what is ours by a POST, once: it changes nothing, so that an unknown outcome is none."""
        request = self._reading(what, path, parameters, verb="POST", is_urgent=is_urgent)
        try:
            whole = await ask_once(self._session, request, in_envelope(into), judge_read, Dispatch())
        except QuotaUsedUp as error:
            raise RateLimited(VENUE, error.message, error.code, error.reset) from None
        except VenueUnavailable as error:
            if error.code != QUOTA_USED_UP:
                raise
            raise RateLimited(VENUE, error.message, error.code) from None
        return whole.data

    async def _command(
        self,
        what: str,
        path: str,
        into: type[T],
        parameters: Mapping[str, Value],
        *,
        judge: Judge = judge_new,
        dispatch: Dispatch | None = None,
        is_cancel: bool = False,
    ) -> T:
        """Sends what changes something, at most once; returns the data of its acknowledgement."""
        request = self._commanding(what, path, parameters, is_cancel=is_cancel)
        whole = await self._session.command(request, in_envelope(into), refusals=judge, dispatch=dispatch)
        return whole.data

    async def _act(
        self,
        what: str,
        path: str,
        parameters: Mapping[str, Value],
        *,
        judge: Judge = judge_new,
        dispatch: Dispatch | None = None,
        is_cancel: bool = False,
    ) -> None:
        """Sends what changes something, at most once, where the acknowledgement says nothing else."""
        request = self._commanding(what, path, parameters, is_cancel=is_cancel)
        await self._session.command(request, Accepted, refusals=judge, dispatch=dispatch)

    def _public(self, what: str, path: str, parameters: Mapping[str, Value]) -> Request:
        is_private = self._has_key and self._readings.signs_public
        return self._request(what, "GET", path, parameters, is_private=is_private, is_cancel=False)

    def _reading(
        self, what: str, path: str, parameters: Mapping[str, Value], *, verb: str = "GET", is_urgent: bool = False
    ) -> Request:
        if not self._has_key:
            raise MissingCredentials(VENUE, NO_KEY)
        return self._request(what, verb, path, parameters, is_private=True, is_cancel=is_urgent)

    def _commanding(self, what: str, path: str, parameters: Mapping[str, Value], *, is_cancel: bool) -> Request:
        if not self._has_key:
            raise NotSent(VENUE, NO_KEY)
        return self._request(what, "POST", path, parameters, is_private=True, is_cancel=is_cancel)

    def _request(
        self,
        what: str,
        method: str,
        path: str,
        parameters: Mapping[str, Value],
        *,
        is_private: bool,
        is_cancel: bool,
    ) -> Request:
        if not _is_path(path):
            raise BadRequest(VENUE, "a path that can not be asked for")
        sent = encode(parameters)
        return Request(
            what=what,
            method=method,
            path=self._prefix + path,
            query=sent if method == "GET" else "",
            body=b"" if method == "GET" else sent.encode("ascii"),
            headers=FORM,
            is_private=is_private,
            weight=weight_of(path, self._readings),
            is_cancel=is_cancel,
        )


def cursor(
    from_id: str | int | None,
    direction: Direction | str | None,
    limit: int | None,
    start_time: int | None = None,
    end_time: int | None = None,
) -> dict[str, Value]:
    """Returns the parameters of a list by cursor: from a row's id on, NEXT (older) or PREV, 1 to 100 rows."""
    return compact(
        id=maybe_id_of(from_id, "a cursor"),
        direction=given(direction, one_of, tuple(Direction), "a direction"),
        limit=given(limit, limit_of),
    ) | span_of(start_time, end_time)


def numbered(
    page: int | None, size: int | None, start_time: int | None = None, end_time: int | None = None
) -> dict[str, Value]:
    """Returns the parameters of a list by pages, the first of which is 1, of 1 to 100 rows."""
    return compact(page=given(page, page_of), size=given(size, limit_of)) | span_of(start_time, end_time)
