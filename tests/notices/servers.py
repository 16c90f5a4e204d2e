"""A web server and a mail server that take what is sent to them, made from the standard library."""

import http.server
import socketserver
import threading
from contextlib import contextmanager

ANSWERS = {"EHLO": "250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN", "AUTH": "235 welcome", "STAR": "220 go on"}


@contextmanager
def web_server(status=200, headers=(), before=lambda: None, tls=None):
    """(address, list of what was posted: path, headers and body). `status` may be a list: one for each request."""
    posted, answers = [], list(status) if isinstance(status, (list, tuple)) else [status]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            before()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers, body))
            self.send_response(answers[min(len(posted), len(answers)) - 1])
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    with _served(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), tls) as server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", posted


@contextmanager
def mail_server(refuses=(), tls=None, starttls=None):
    """(port, list of what was sent: the envelope's lines and the text). `refuses`: recipients that are not taken.

    With a context for `tls` or `starttls`, the envelope begins with the login.
    """
    sent = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.say("220 here")
            envelope = []
            while line := self.rfile.readline():
                words = line.decode().strip()
                command = words[:4].upper()
                if command == "DATA":
                    self.say("354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n")).decode()
                    sent.append((envelope, text))
                envelope += [words] if command in ("MAIL", "RCPT", "AUTH") else []
                self.say(ANSWERS.get(command) or ("550 no" if any(one in words for one in refuses) else "250 yes"))
                if command == "STAR":
                    self.connection = starttls.wrap_socket(self.connection, server_side=True)
                    self.setup_files()
                if command == "QUIT":
                    return

        def setup_files(self):
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

        def say(self, text):
            self.wfile.write(f"{text}\r\n".encode())

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), tls) as server:
        yield server.server_address[1], sent


@contextmanager
def _served(server, tls):
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
