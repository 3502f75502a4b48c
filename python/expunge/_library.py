"""The C library: where it lies, its functions, and its errors as exceptions. It is loaded when it is first used."""

from __future__ import annotations

import ctypes
import math
import os
import re
import sys
import threading
import warnings
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint8, c_uint64, c_void_p
from typing import Any, Callable, Dict, Optional, Sequence, Set

HERE = os.path.dirname(os.path.abspath(__file__))
SONAME = "libexpunge.so.0"
# Multiplications that end within about a second where a core makes 16 in a cycle, and within half of one with AVX-512.
QUICK = 6e10 * min(len(os.sched_getaffinity(0)), int((re.match("[0-9]{1,4}", os.environ.get("OMP_NUM_THREADS", "")) or ["1024"])[0]))


class Error(Exception):
    """What the library could not do, as its own sentence. `status` is the name of its status: "EARG", "ENUMERIC", ...

    Where an argument is wrong, the exception is a `ValueError` too; where memory is short, a `MemoryError`.

    >>> import expunge
    >>> try:
    ...     expunge.Gram(0)
    ... except expunge.Error as error:
    ...     print(error.status, error)
    EARG features = 0: must be 1 to 2147483647
    """

    status: str = ""


class ArgumentError(Error, ValueError):
    """A wrong argument, shape or name, or a value that is not finite."""

    status = "EARG"


class ShortMemoryError(Error, MemoryError):
    """Not enough memory."""


KINDS: Dict[str, Any] = {
    "EUSAGE": ArgumentError,
    "EARG": ArgumentError,
    "ESHAPE": ArgumentError,
    "ENUMERIC": ArgumentError,
    "ENOTFOUND": ArgumentError,
    "ENOMEM": ShortMemoryError,
}


class EditInfo(ctypes.Structure):
    """expunge_edit_info of expunge.h."""

    _fields_ = [("retain_share", c_double), ("forget_share", c_double), ("changed", c_double)]


class Split(ctypes.Structure):
    """expunge_split of expunge.h."""

    _fields_ = [("images", c_void_p), ("labels", c_void_p), ("count", c_int64)]


POINTS = (POINTER(c_double), POINTER(c_uint8), c_int64)  # score, member, n
# what each function takes; all of them return a status
SIGNATURES = {
    "expunge_space_create": [c_int64, c_int64, c_char_p, POINTER(c_void_p)],
    "expunge_space_add": [c_void_p, c_void_p, c_int64, c_int64, c_int],
    "expunge_space_add_columns": [c_void_p, c_void_p, c_int64, c_int64, c_int, POINTER(c_int64), POINTER(c_int64), c_int],
    "expunge_space_add_gram": [c_void_p, c_void_p, c_int64, c_int, c_int64],
    "expunge_space_finish": [c_void_p],
    "expunge_edit": [c_void_p, c_void_p, c_void_p, c_int64, c_int64, c_int, c_double, c_double, c_void_p, c_int64]
    + [POINTER(EditInfo)],
    "expunge_random_below": [c_uint64, c_char_p, c_uint64, POINTER(c_int64), c_int64, POINTER(c_int64)],
    "expunge_random_choose": [c_uint64, c_char_p, c_uint64, c_int64, c_int64, POINTER(c_int64)],
    "expunge_share": [c_int64, c_int64, c_double, c_void_p],
    "expunge_auc": [*POINTS, c_double, c_void_p],
    "expunge_tpr_at_fpr": [*POINTS, c_double, c_void_p],
    "expunge_roc": [*POINTS, *[POINTER(c_double)] * 3, c_int64, POINTER(c_int64)],
    "expunge_epsilon": [c_char_p, *POINTS, c_double, c_double, c_uint64, c_void_p],
    "expunge_epsilon_one_run": [*POINTS, c_int64, c_int64, c_bool, c_double, c_double, c_uint64, c_void_p],
    "expunge_signals_create": [POINTER(c_void_p)],
    "expunge_signals_open": [c_char_p, POINTER(c_void_p)],
    "expunge_signals_set": [c_void_p, c_char_p, c_void_p, c_int, c_int, POINTER(c_int64), POINTER(c_int64)],
    "expunge_signals_set_texts": [c_void_p, c_char_p, POINTER(c_char_p), c_int64],
    "expunge_attack": [c_void_p, c_char_p, POINTER(c_char_p), c_size_t, c_uint64, POINTER(c_void_p)],
    "expunge_attacks_scores": [c_void_p, c_char_p, POINTER(c_double), c_int64],
    "expunge_data_create": [c_void_p, c_void_p, c_int, POINTER(c_int64), c_int64, POINTER(c_char_p), POINTER(c_char_p), c_size_t, POINTER(c_void_p)],
    "expunge_model_open": [c_char_p, c_char_p, c_void_p, POINTER(c_char_p), c_size_t, POINTER(c_void_p)],
    "expunge_model_logits": [c_void_p, c_char_p, c_void_p, c_int64, c_int64],
    "expunge_audit": [c_void_p, c_char_p, POINTER(c_char_p), c_size_t, POINTER(c_void_p)],
}
# what the others take and return
OTHERS = {
    "expunge_status_name": ([c_int], c_char_p),
    "expunge_error_text": ([], c_char_p),
    "expunge_notices": ([], c_char_p),
    "expunge_version": ([], c_char_p),
    "expunge_free": ([c_void_p], None),
    "expunge_cancel": ([], None),
    "expunge_space_free": ([c_void_p], None),
    "expunge_data_free": ([c_void_p], None),
    "expunge_model_free": ([c_void_p], None),
    "expunge_signals_free": ([c_void_p], None),
    "expunge_attacks_free": ([c_void_p], None),
    "expunge_attacks_json": ([c_void_p], c_char_p),
    "expunge_space_rows": ([c_void_p], c_int64),
    "expunge_space_trace": ([c_void_p], c_double),
    "expunge_space_rank": ([c_void_p], c_double),
}

_loaded: Optional[ctypes.CDLL] = None
_lock = threading.Lock()
_calling: Set[int] = set()  # threads in a call of the library
_used = False  # whether there was a call
_forked = False  # whether this process was forked after that


def _in_child() -> None:
    """OpenMP's threads do not come along, and libgomp would wait for them for ever."""
    global _lock, _forked
    _lock = threading.Lock()
    _calling.clear()
    _forked = _used and os.environ.get("OMP_NUM_THREADS") != "1"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def places(inside: str, built: str, system: str) -> str:
    """The path of what pip put into the package, or else, in a clone of the repository, of what make built, or else the
    system's, which is there where the package is Debian's."""
    for path in (os.path.join(HERE, inside), os.path.join(HERE, "..", "..", "build", built)):
        if os.path.exists(path):
            return path
    return system


def library() -> ctypes.CDLL:
    """The library with the types of its functions."""
    global _loaded
    with _lock:
        if _loaded is None:
            path = places("lib/" + SONAME, "release/lib/" + SONAME, SONAME)
            try:
                c = ctypes.CDLL(path)
            except OSError as error:
                raise ImportError(f"{SONAME} cannot be loaded ({error}): build it with `make lib`, or `pip install .`")
            for name, takes in SIGNATURES.items():
                getattr(c, name).argtypes = takes
                getattr(c, name).restype = c_int
            for name, (takes, gives) in OTHERS.items():
                getattr(c, name).argtypes = takes
                getattr(c, name).restype = gives
            _loaded = c
    return _loaded


def call(name: str, *arguments: Any) -> None:
    """One call of the library, on this thread. Its status, where it is not 0, becomes an exception."""
    _warn(_called(name, *arguments))


def _called(name: str, *arguments: Any) -> str:
    """One call of the library, which returns its warnings."""
    global _used
    if _forked:
        raise Error("this process was forked after a call of the library, whose threads are lost: start processes by 'spawn'")
    c = library()
    _used = True
    me = threading.get_ident()
    try:
        with _lock:
            _calling.add(me)
        status = getattr(c, name)(*arguments)
    finally:
        _calling.discard(me)
    if status:
        word = c.expunge_status_name(status).decode()
        error = KINDS.get(word, Error)(c.expunge_error_text().decode())
        error.status = word
        raise error
    return str(c.expunge_notices().decode())


def _warn(notices: str) -> None:
    """Warns at the line of the caller's code, outside of this package."""
    if not notices:
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and os.path.dirname(os.path.abspath(frame.f_code.co_filename)) == HERE:
        frame, level = frame.f_back, level + 1
    for line in notices.splitlines():
        warnings.warn(line, stacklevel=level)


class _Worker:
    """A thread that makes one long call, so that the one that waits can be interrupted. The call's arrays live until it
    has ended, and with it its OpenMP threads: libgomp counts them beside torch's, and more than there are cores sleep at
    every barrier."""

    def __init__(self, function: Callable[[], str], done: threading.Event) -> None:
        self.function, self.done = function, done
        self.result: Optional[str] = None
        self.error: Optional[BaseException] = None
        self.thread = threading.Thread(target=self._run, name="expunge", daemon=True)

    def _run(self) -> None:
        try:
            self.result = self.function()
        except BaseException as error:  # handed to the thread that waits
            self.error = error
        self.done.set()

    def run(self) -> str:
        self.thread.start()
        try:
            while not self.done.wait(0.2):
                pass
        except BaseException:
            self._cancel()
            raise
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

    def _cancel(self) -> None:
        """Asks the library to end what was interrupted. It would end all threads' calls: beside others this one runs on."""
        for _ in range(5):  # the call may not have begun the first time
            with _lock:
                if _loaded and _calling == {self.thread.ident}:
                    _loaded.expunge_cancel()
            if self.done.wait(0.1):
                return


class Busy:
    """A handle of the library that one call at a time may use, also where an interrupted call goes on in the background."""

    _done: Optional[threading.Event] = None  # set when the last long call has ended
    _broken = False  # whether an interrupted call left it half changed

    def _ready(self) -> None:
        """Waits until no call uses the handle."""
        while self._done is not None and not self._done.wait(0.2):
            pass
        if self._broken:
            raise ArgumentError(f"this {type(self).__name__} was interrupted while rows were added: make a new one")


def call_long(
    name: str,
    *arguments: Any,
    keep: Any = None,
    users: Sequence[Busy] = (),
    work: float = math.inf,
) -> None:
    """As `call`, where it may take more than a second: KeyboardInterrupt comes through at once. `keep`, like the
    arguments, lives until the library has returned; `users` are busy until then. `work`: about how many multiplications it
    takes; a few are made on this thread, since a new one begins with new OpenMP threads."""
    library()
    for user in users:
        user._ready()
    if work <= QUICK:
        call(name, *arguments)
        return
    done = threading.Event()

    def task(held: Any = (keep, users)) -> str:
        return _called(name, *arguments)

    for user in users:
        user._done = done
    _warn(_Worker(task, done).run())
