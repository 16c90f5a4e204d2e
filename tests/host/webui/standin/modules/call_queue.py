"""Who uses the model does so under `queue_lock`."""

from modules import fifo_lock, progress, shared

queue_lock = fifo_lock.FIFOLock()


def wrap_queued_call(func):
    def f(*args, **kwargs):
        with queue_lock:
            return func(*args, **kwargs)

    return f


def wrap_gradio_gpu_call(func, extra_outputs=None):
    """A page's button that draws: its task is announced before it waits; flags are cleared after the lock is free."""

    def f(id_task, *args, **kwargs):
        progress.add_task_to_queue(id_task)
        try:
            with queue_lock:
                shared.state.begin(job=id_task)
                progress.start_task(id_task)
                try:
                    result = func(*args, **kwargs)
                finally:
                    progress.finish_task(id_task)
                shared.state.end()
            return result
        finally:
            shared.state.skipped = shared.state.interrupted = shared.state.stopping_generation = False
            shared.state.job, shared.state.job_count = "", 0

    return f
