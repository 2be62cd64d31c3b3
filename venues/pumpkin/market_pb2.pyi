from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KlineVO(_message.Message):
    __slots__ = ("s", "o", "c", "h", "l", "a", "v", "i", "t")
    S_FIELD_NUMBER: _ClassVar[int]
    O_FIELD_NUMBER: _ClassVar[int]
    C_FIELD_NUMBER: _ClassVar[int]
    H_FIELD_NUMBER: _ClassVar[int]
    L_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    V_FIELD_NUMBER: _ClassVar[int]
    I_FIELD_NUMBER: _ClassVar[int]
    T_FIELD_NUMBER: _ClassVar[int]
    s: str
    o: str
    c: str
    h: str
    l: str
    a: str
    v: str
    i: str
    t: int
    def __init__(self, s: _Optional[str] = ..., o: _Optional[str] = ..., c: _Optional[str] = ..., h: _Optional[str] = ..., l: _Optional[str] = ..., a: _Optional[str] = ..., v: _Optional[str] = ..., i: _Optional[str] = ..., t: _Optional[int] = ...) -> None: ...

class DealVO(_message.Message):
    __slots__ = ("t", "s", "p", "a", "m", "id")
    T_FIELD_NUMBER: _ClassVar[int]
    S_FIELD_NUMBER: _ClassVar[int]
    P_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    t: int
    s: str
    p: str
    a: str
    m: str
    id: int
    def __init__(self, t: _Optional[int] = ..., s: _Optional[str] = ..., p: _Optional[str] = ..., a: _Optional[str] = ..., m: _Optional[str] = ..., id: _Optional[int] = ...) -> None: ...

class PriceLevel(_message.Message):
    __slots__ = ("price", "quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class DepthVO(_message.Message):
    __slots__ = ("s", "U", "u", "bids", "asks")
    S_FIELD_NUMBER: _ClassVar[int]
    U_FIELD_NUMBER: _ClassVar[int]
    U_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    s: str
    U: int
    u: int
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    def __init__(self, s: _Optional[str] = ..., U: _Optional[int] = ..., u: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ...) -> None: ...
