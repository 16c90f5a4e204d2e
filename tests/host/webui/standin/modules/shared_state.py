"""What the WebUI is at, and whether somebody wants it to stop."""

import threading
import time


class State:
    skipped = interrupted = stopping_generation = False
    job, job_no, job_count = "", 0, 0
    sampling_step = sampling_steps = 0
    textinfo = current_image = current_latent = None
    time_start = None

    def __init__(self):
        self._server_command = None
        self._server_command_signal = threading.Event()

    @property
    def server_command(self):
        return self._server_command

    @server_command.setter
    def server_command(self, value):
        self._server_command = value
        self._server_command_signal.set()

    def request_restart(self):
        """Reload UI."""
        self.interrupt()
        self.server_command = "restart"

    def interrupt(self):
        self.interrupted = True

    def skip(self):
        self.skipped = True

    def stop_generating(self):
        self.stopping_generation = True

    def nextjob(self):
        self.job_no += 1
        self.sampling_step = 0

    def begin(self, job="(unknown)"):
        self.sampling_step = self.job_no = 0
        self.job_count = -1
        self.time_start = time.time()
        self.skipped = self.interrupted = self.stopping_generation = False
        self.textinfo = self.current_image = self.current_latent = None
        self.job = job

    def end(self):
        self.job, self.job_count = "", 0
