# The front desk: each target sets up what it needs and works from a clean checkout. CMake is the build (CMakePresets.json).
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
VENV := build/venv
PY := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: demo-c demo-java demo-csharp demo-rust demo-python help build demo test quick bench fuzz docs wheel sdist nupkg python format generate install clean

help: ## This list
	@echo "Octavo: ONNX in, INT8 out. Targets:"
	@sed -n 's/^\([a-z][a-z-]*\)\( [a-z -]*\)*:.*## \(.*\)/  make \1|\3/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

build: .setup-build ## The library, optimized, in build/default
	@cmake --preset default >/dev/null && cmake --build --preset default -j $(JOBS)

demo: python ## A float network becomes INT8, before your eyes
	@$(PY) examples/demo/demo.py

demo-c demo-java demo-csharp demo-rust demo-python: demo-%: ## The same from C; also demo-java, demo-csharp, demo-rust, demo-python
	@sh tests/tools/setup.sh $* && sh examples/$*/demo.sh

test: .setup-test ## Everything: gcc, clang, sanitizers, Arm under qemu, Meson, Python, checks; ends with one line of totals
	@python3 tests/run_tests.py --jobs $(JOBS) $(ARGS)

quick: .setup-build ## The tests a change needs first: gcc build, C++ tests, tree checks
	@python3 tests/run_tests.py --jobs $(JOBS) --only checks,gcc

# QUICK=1: two networks, under two minutes. TORCH=1: PyTorch as well, several GB, which can export the networks.
bench: .setup-bench python ## Networks beside other runtimes (QUICK=1, TORCH=1), kernels, what a run costs from each language
	@sh tests/tools/venv.sh build/peers tests/bench/requirements.txt
	@if [ -n "$(TORCH)" ]; then sh tests/tools/venv.sh build/torch tests/bench/torch.txt; fi
	@OCTAVO_PEER_PYTHON=build/peers/bin/python $(if $(TORCH),OCTAVO_TORCH_PYTHON=$(CURDIR)/build/torch/bin/python) \
	  $(PY) tests/bench/peers.py $(if $(QUICK),--quick) $(if $(TORCH),--torch) $(ARGS)
	@if [ -z "$(QUICK)" ]; then cmake --preset bench >/dev/null && cmake --build --preset bench -j $(JOBS) && \
	  build/bench/tests/octavo_bench && OCTAVO_PEER_PYTHON=build/peers/bin/python $(PY) tests/bench/overhead.py; fi

fuzz: .setup-fuzz ## Fuzz every entry point for SECONDS (60) each
	@python3 tests/run_tests.py --jobs $(JOBS) --only fuzz --fuzz-seconds $(or $(SECONDS),60)

docs: .setup-docs ## Reference of the C header, in build/docs
	@if [ -e docs/Doxyfile ]; then mkdir -p build/docs && doxygen docs/Doxyfile; else echo "docs/Doxyfile is missing"; exit 1; fi

wheel: .venv ## A Python wheel in dist/, for every Linux at least as new as this one
	@rm -rf build/dist
	@$(PY) -m pip wheel . --no-build-isolation --no-deps -w build/dist
	@PATH="$(VENV)/bin:$$PATH" $(PY) -m auditwheel repair -w dist build/dist/octavo-*.whl

sdist: .venv ## The Python source package in dist/, with the third-party sources it is built from
	@python3 tests/tools/fetch_deps.py --dest build/deps highway protozero nlohmann_json xxhash
	@$(PY) -c 'from scikit_build_core.build import build_sdist; build_sdist("dist")'

nupkg: ## A NuGet package in dist/
	@sh tests/tools/setup.sh csharp && sh bindings/csharp/build.sh && mkdir -p dist && python3 bindings/csharp/tools/pack.py build/csharp/lib dist

python: .venv ## The Python package, built and installed into build/venv
	@echo "Building the Python package (log: build/python.log)"
	@$(PY) -m pip install . --no-build-isolation --no-deps --force-reinstall >build/python.log 2>&1 || { tail -40 build/python.log; exit 1; }

format: .venv ## Format the sources
	@git ls-files '*.h' '*.cc' '*.c' | grep -v octavo_loader.h | xargs -r $(VENV)/bin/clang-format -i
	@$(VENV)/bin/ruff format -q . && $(VENV)/bin/ruff check -q --fix . || true

generate: ## Files generated from octavo.h, capi/symbols.txt and the bindings' sources
	@python3 tests/tools/gen_symbols.py --symbols capi/symbols.txt --header capi/include/octavo/octavo.h \
	  --loader capi/include/octavo/octavo_loader.h
	@python3 tests/tools/check_abi.py --write
	@python3 tests/tools/check_languages.py --write

install: build ## Install the library (PREFIX, DESTDIR)
	@cmake --install build/default --prefix $(or $(PREFIX),/usr/local)

clean: ## Remove all builds; downloaded sources (build/deps) and build/venv stay
	@find build -mindepth 1 -maxdepth 1 ! -name deps ! -name venv -exec rm -rf {} + 2>/dev/null || true

.PHONY: .setup-build .setup-test .setup-bench .setup-fuzz .setup-docs .venv
.setup-build .setup-test .setup-bench .setup-fuzz .setup-docs: .setup-%:
	@sh tests/tools/setup.sh $*

.venv: .setup-build
	@sh tests/tools/venv.sh $(VENV)
