"""llama.cpp's own HTTP server out of PyPI's xllamacpp, a wheel that has it compiled in.

    python server.py MODEL PORT

Stands for: llama-server -m MODEL --port PORT --alias tiny -c 32768 -np 2 --metrics --slots
"""
import sys
import threading

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames, params.port = ["127.0.0.1"], int(sys.argv[2])
params.model_alias = {"tiny"}
params.n_ctx, params.n_parallel = 32768, 2
params.endpoint_metrics = params.endpoint_slots = True
params.cpuparams.n_threads = 1  # the model has one small layer
server = xllamacpp.Server(params)
threading.Event().wait()  # it serves from threads of its own, until the process is ended
