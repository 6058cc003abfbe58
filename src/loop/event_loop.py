"""The cold side of the event loop: what native code leaves to Python, and to asyncio itself."""

import asyncio
import contextlib
import contextvars
import inspect
import selectors
import signal
import sys
import threading
import weakref
from asyncio import base_events, events, format_helpers, protocols, selector_events, sslproto
from asyncio.log import logger


class WatchedDescriptors:
    """Stands where asyncio expects its selector, for those who ask it what is watched.

    The ring does the watching: this has no descriptor of its own and waits for nothing.
    """

    def __init__(self, loop):
        self._loop = weakref.ref(loop)

    def get_key(self, fileobj):
        loop = self._loop()
        watched = loop._watched_events(fileobj) if loop is not None else 0
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        transport = loop._transports.get(fd) if loop is not None else None
        if isinstance(transport, SocketTransport) and transport._stream.reading:
            watched |= selectors.EVENT_READ
        if not watched:
            raise KeyError(f"{fileobj!r} is not registered")
        return selectors.SelectorKey(fileobj, fd, watched, None)

    def close(self):
        pass


class SocketTransport(selector_events._SelectorSocketTransport):
    """asyncio's own, with a native side that receives.

    Native code adds the methods `write` and `_read_ready`, and reads the slots.
    """

    __slots__ = (
        "_stream",
        "_context",
        "_buffered",
        "_protocol",
        "_sock",
        "_buffer",
        "_eof",
        "_conn_lost",
        "_empty_waiter",
    )
    _asyncio_write = selector_events._SelectorSocketTransport.write

    def __init__(self, loop, sock, protocol, waiter=None, extra=None, server=None):
        self._sock = None
        self._context = contextvars.copy_context()
        self._stream = loop._make_stream(self)
        super().__init__(loop, sock, protocol, waiter, extra, server)

    def __del__(self):
        self._stream.stop()
        super().__del__()

    def set_protocol(self, protocol):
        super().set_protocol(protocol)
        self._buffered = isinstance(protocol, protocols.BufferedProtocol)

    def _add_reader(self, fd, callback):
        if self.is_reading():
            self._stream.start()

    def pause_reading(self):
        if self.is_reading():
            self._paused = True
            self._stream.pause()
            if self._loop.get_debug():
                logger.debug("%r pauses reading", self)

    def resume_reading(self):
        if self._paused and not self._closing:
            self._paused = False
            self._stream.start()
            if self._loop.get_debug():
                logger.debug("%r resumes reading", self)

    def close(self):
        self._stream.stop()
        super().close()

    def _force_close(self, exception):
        self._stream.stop()
        super()._force_close(exception)

    def _fail(self, exception, message):
        try:
            raise exception
        except BaseException as error:
            self._fatal_error(error, message)


def make_loop_class(core):
    class EventLoop(core, asyncio.SelectorEventLoop):
        """An asyncio event loop that runs on io_uring.

        All that is called for every event is native; what is not, is asyncio's own.
        """

        def __init__(self):
            super().__init__(WatchedDescriptors(self))

        def run_forever(self):
            self._check_closed()
            self._check_running()
            self._set_coroutine_origin_tracking(self._debug)
            hooks = sys.get_asyncgen_hooks()
            try:
                self._thread_id = threading.get_ident()
                sys.set_asyncgen_hooks(
                    firstiter=self._asyncgen_firstiter_hook,
                    finalizer=self._asyncgen_finalizer_hook,
                )
                events._set_running_loop(self)
                with self._signals_heard(), self._methods_at_hand():
                    self._run()
            finally:
                self._stopping = False
                self._thread_id = None
                events._set_running_loop(None)
                self._set_coroutine_origin_tracking(False)
                sys.set_asyncgen_hooks(*hooks)

        @contextlib.contextmanager
        def _signals_heard(self):
            """Has every signal with a Python handler written into the loop's own socket.

            Without that, one that comes just before a wait would not break it. Those that asked
            for the same already (an outer loop, another framework) keep it.
            """
            own = self._csock.fileno()
            try:
                previous = signal.set_wakeup_fd(own, warn_on_full_buffer=False)
            except ValueError:  # not the main thread: signals are not handled here
                yield
                return
            if previous not in (-1, own):
                signal.set_wakeup_fd(previous)
            try:
                yield
            finally:
                # asyncio's own handlers stay for the time between two runs.
                if previous == -1 and not self._signal_handlers:
                    current = signal.set_wakeup_fd(-1)
                    if current != own:
                        signal.set_wakeup_fd(current)

        @contextlib.contextmanager
        def _methods_at_hand(self):
            """Has the methods that tasks and futures look up for each call found ready-bound.

            Only for the time of a run: they hold the loop.
            """
            own = vars(self)
            bound = {
                name: getattr(self, name)
                for name in ("call_soon", "get_debug")
                if name not in own and getattr(type(self), name) is getattr(core, name)
            }
            own.update(bound)
            try:
                yield
            finally:
                for name, method in bound.items():
                    if own.get(name) is method:
                        del own[name]

        def close(self):
            super().close()
            self._release()

        def _make_socket_transport(self, sock, protocol, waiter=None, *, extra=None, server=None):
            self._ensure_fd_no_transport(sock)
            return SocketTransport(self, sock, protocol, waiter, extra, server)

        def _make_ssl_transport(
            self,
            sock,
            protocol,
            context,
            waiter=None,
            *,
            server_side=False,
            server_hostname=None,
            extra=None,
            server=None,
            **timeouts,
        ):
            self._ensure_fd_no_transport(sock)
            tls = sslproto.SSLProtocol(
                self, protocol, context, waiter, server_side, server_hostname, **timeouts
            )
            SocketTransport(self, sock, tls, extra=extra, server=server)
            return tls._app_transport

        def _add_callback(self, handle):
            # A handle of asyncio's own: those of signal handlers.
            if not handle._cancelled:
                self.call_soon(run_foreign_handle, handle, context=handle._context)

    EventLoop.__module__ = "_ringhorn"
    EventLoop.__qualname__ = "EventLoop"
    return EventLoop


def run_foreign_handle(handle):
    if not handle._cancelled:
        handle._callback(*handle._args)


class BindArguments:
    """The signatures of the native methods, for calls that name their arguments or miss some."""

    def call_soon(self, callback, *args, context=None):
        return self.call_soon(callback, *args, context=context)

    def call_soon_threadsafe(self, callback, *args, context=None):
        return self.call_soon_threadsafe(callback, *args, context=context)

    def call_later(self, delay, callback, *args, context=None):
        return self.call_later(delay, callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        return self.call_at(when, callback, *args, context=context)


_format_takes_debug = (
    "debug" in inspect.signature(format_helpers._format_callback_source).parameters
)


def _format_callback(handle):
    if _format_takes_debug:
        debug = handle._loop.get_debug()
        return format_helpers._format_callback_source(handle._callback, handle._args, debug=debug)
    return format_helpers._format_callback_source(handle._callback, handle._args)


def describe_handle(handle):
    """repr() of a handle, as asyncio's."""
    info = [type(handle).__name__]
    if handle._cancelled:
        info.append("cancelled")
    if hasattr(handle, "when"):
        info.append(f"when={handle.when()}")
    if handle._callback is not None:
        info.append(_format_callback(handle))
    if handle._source_traceback:
        frame = handle._source_traceback[-1]
        info.append(f"created at {frame[0]}:{frame[1]}")
    return f"<{' '.join(info)}>"


def give_way():
    """Does nothing: entering it is what lets a thread that has asked for the GIL have it."""


def report_failure(loop, handle, exception):
    """A callback has raised `exception`."""
    context = {
        "message": f"Exception in callback {_format_callback(handle)}",
        "exception": exception,
        "handle": handle,
    }
    if handle._source_traceback:
        context["source_traceback"] = handle._source_traceback
    loop.call_exception_handler(context)


def report_slow(loop, handle, seconds):
    """A callback has run for `seconds`, in debug mode."""
    if seconds >= loop.slow_callback_duration:
        text = base_events._format_handle(handle)
        base_events.logger.warning("Executing %s took %.3f seconds", text, seconds)


def extract_stack(frame):
    """Where a handle is made, in debug mode."""
    return format_helpers.extract_stack(frame)
