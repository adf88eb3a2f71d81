"""What a worker does once it can step: the same commands as those of gradc_step_worker."""
import sys
import time


def answer(step, wait):
    """`step(i)` starts the i-th step and returns its loss; `wait(loss)` returns when it is done, with the loss."""
    print("ready", flush=True)
    done = 0
    for line in sys.stdin:
        command, count = line.split()[0], int(line.split()[1])
        if command == "run":
            for _ in range(count // 2 + 1):
                loss = step(done)
                done += 1
            wait(loss)
        losses = []
        start = time.perf_counter_ns()
        for _ in range(count):
            loss = step(done)
            done += 1
            if command == "losses":
                losses.append(wait(loss))
        wait(loss)
        print(time.perf_counter_ns() - start, *losses, flush=True)
