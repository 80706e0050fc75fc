# The only entry point. `make` lists the targets.

SHELL := bash

GO       ?= go
FUZZTIME ?= 200000x# per target, about 20s of most; in executions, as times (20s) now and then end in a false failure, golang/go#75804
PKG      ?= ./...# packages for test, fuzz and lint
DATA     ?=
IMAGE    ?= weir:latest# tag of make image
IMAGEARGS ?=# more arguments of its builder, such as --build-arg BASE=image
# The harmless texts of make fp, DATA/NAME.jsonl.gz.
FPTEXTS  ?= common_voice_en common_voice_ja common_voice_zh crosswoz_zh huatuo_zh tanaka_en tanaka_ja tatoeba_zh \
	tfdocs_ja tfdocs_zh jglue_ja ud_gsd_ja benign_realpersona benign_instruction_ja dolly_part_en gpteacher_en

# Tools go to .tools/bin in these versions. A new version here installs itself.
BUF_VERSION                := v1.75.0
PROTOC_GEN_GO_VERSION      := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2
GOLANGCI_LINT_VERSION      := v2.15.0
GOVULNCHECK_VERSION        := v1.9.0

BIN := $(CURDIR)/.tools/bin

VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# The race detector needs cgo and a C compiler; without them tests run all the same.
RACE = $(shell $(GO) build -race runtime/cgo 2>/dev/null && echo -race)

.DEFAULT_GOAL := help
# ONNX Runtime, which models run in. The default policy needs them.
RUNTIME = @bash scripts/onnxruntime.sh || echo 'make: going on WITHOUT ONNX Runtime: weir will run only with a policy (--policy FILE) that says "classifier: optional", not with the default one'

.PHONY: help build image demo test fuzz bench lint proto vuln fp ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## build bin/weir, and fetch ONNX Runtime
	$(RUNTIME)
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/weir ./cmd/weir

image: ## build the container image IMAGE with docker, podman or buildah
	@bash scripts/image.sh $(IMAGE) $(IMAGEARGS)

demo: build ## build weir and watch it guard a few streams
	bin/weir demo

test: ## run all tests, with the race detector where a C compiler works (PKG=./engine/...)
	$(RUNTIME)
	@$(if $(RACE),,echo 'make test: no cgo or no C compiler: running WITHOUT the race detector')
	$(GO) test $(RACE) $(PKG)

# Shortening each new input takes longer than finding the next; 10 tries keep it out of the way.
# Of the cuts that FuzzRechunk tries in one execution (engine/promise_test.go), 8 in each of 4 profiles are random.
fuzz: ## run every fuzz target in turn for FUZZTIME executions each (200000x)
	@set -euo pipefail; $(GO) list -f '{{$$d := .Dir}}{{range .TestGoFiles}}{{$$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$$d}}/{{.}}{{"\n"}}{{end}}' $(PKG) | \
	xargs grep -HEo '^func Fuzz[A-Za-z0-9_]+' | sort | \
	while IFS=: read -r file match; do \
		package=$$(dirname "$$file"); target=$${match#func }; \
		echo "fuzz: $$target in .$${package#$(CURDIR)} for $(FUZZTIME)"; \
		$(GO) test "$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x </dev/null | \
			awk -v target="$$target" '{ print; fflush() } \
				match($$0, /execs: [0-9]+/) { n = substr($$0, RSTART + 7, RLENGTH - 7) } \
				END { if (target == "FuzzRechunk") printf "fuzz: FuzzRechunk tried %d texts, %d random cuts\n", n, n * 8 * 4 }'; \
	done

bench: build ## measure a server beside its floors, briefly, and check bench/thresholds.json
	bin/weir bench --where --gate bench/thresholds.json

lint: $(BIN)/golangci-lint@$(GOLANGCI_LINT_VERSION) $(BIN)/buf@$(BUF_VERSION) ## check style and common mistakes of Go and proto
	$(BIN)/golangci-lint run $(PKG)
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code

proto: $(BIN)/buf@$(BUF_VERSION) $(BIN)/protoc-gen-go@$(PROTOC_GEN_GO_VERSION) $(BIN)/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION) ## write the generated Go of proto/
	$(BIN)/buf lint
	$(BIN)/buf generate

vuln: $(BIN)/govulncheck@$(GOVULNCHECK_VERSION) ## look for known vulnerabilities in what the code calls
	$(BIN)/govulncheck ./...

fp: build ## count what the default packs find in harmless text (DATA=directory)
	@[[ -n "$(DATA)" ]] || { echo 'make fp: set DATA to the directory of the texts: make fp DATA=directory'; exit 2; }; \
	for name in $(FPTEXTS); do \
		[[ -r "$(DATA)/$$name.jsonl.gz" ]] || { echo "make fp: no $$name.jsonl.gz in $(DATA)"; exit 2; }; \
	done
	bin/weir lexicon stats $(FPTEXTS:%="$(DATA)"/%.jsonl.gz)

ci: ## run everything that must hold before a change is merged
	bash .ci/run

# tool NAME, MODULE, VERSION: NAME is a link to NAME@VERSION, so that a version that changed is installed.
define tool
$(BIN)/$(1)@$(3):
	@rm -f $(BIN)/$(1) $(BIN)/$(1)@*
	GOBIN=$(BIN) GOFLAGS= $(GO) install $(2)@$(3)
	@mv $(BIN)/$(1) $$@ && ln -s $(1)@$(3) $(BIN)/$(1)
endef
$(eval $(call tool,buf,github.com/bufbuild/buf/cmd/buf,$(BUF_VERSION)))
$(eval $(call tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go,$(PROTOC_GEN_GO_VERSION)))
$(eval $(call tool,protoc-gen-go-grpc,google.golang.org/grpc/cmd/protoc-gen-go-grpc,$(PROTOC_GEN_GO_GRPC_VERSION)))
$(eval $(call tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION)))
$(eval $(call tool,govulncheck,golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION)))
