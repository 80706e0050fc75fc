# The only entry point. `make` lists the targets.

GO       ?= go
FUZZTIME ?= 1000001x# per target, in executions: times (30s) now and then end in a false failure, golang/go#75804
COUNT    ?= 6# runs of each benchmark, for benchstat
BENCH    ?= .# benchmarks to run, a regular expression
PKG      ?= ./...# packages for test, bench and lint
DATA     ?=

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
.PHONY: help build demo test fuzz bench lint proto vuln fp ci clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## build bin/weir
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/weir ./cmd/weir

demo: build ## build weir and watch it guard a few streams
	bin/weir demo

test: ## run all tests, with the race detector where a C compiler works (PKG=./engine/...)
	@$(if $(RACE),,echo 'make test: no cgo or no C compiler: running WITHOUT the race detector')
	$(GO) test $(RACE) $(PKG)

# Shortening each new input takes longer than finding the next; 10 tries keep it out of the way.
fuzz: ## run every fuzz target in turn for FUZZTIME executions each (1000001x)
	@set -e; grep -rHEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' $$($(GO) list -f '{{.Dir}}' $(PKG)) | sort -u | \
	while IFS=: read -r file match; do \
		package=$$(dirname "$$file"); target=$${match#func }; \
		echo "fuzz: $$target in .$${package#$(CURDIR)} for $(FUZZTIME)"; \
		$(GO) test "$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x </dev/null; \
	done

bench: ## run the benchmarks COUNT times, for benchstat (BENCH=regexp PKG=./engine/...)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG)

lint: $(BIN)/golangci-lint@$(GOLANGCI_LINT_VERSION) $(BIN)/buf@$(BUF_VERSION) ## check style and common mistakes of Go and proto
	$(BIN)/golangci-lint run $(PKG)
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code

proto: $(BIN)/buf@$(BUF_VERSION) $(BIN)/protoc-gen-go@$(PROTOC_GEN_GO_VERSION) $(BIN)/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION) ## write the generated Go of proto/
	$(BIN)/buf generate

vuln: $(BIN)/govulncheck@$(GOVULNCHECK_VERSION) ## look for known vulnerabilities in what the code calls
	$(BIN)/govulncheck ./...

fp: build ## count what the default packs find in harmless text (DATA=directory)
	@test -d "$(DATA)" || { echo 'make fp: set DATA to a directory of harmless text'; exit 2; }
	find -L "$(DATA)" -type f '(' -name '*.jsonl' -o -name '*.jsonl.gz' -o -name '*.txt' -o -name '*.txt.gz' ')' -print0 | \
		sort -z | xargs -0 bin/weir lexicon stats

ci: ## run everything that must hold before a change is merged
	bash .ci/run

clean: ## delete what was built; the tools in .tools stay
	rm -rf bin
	$(GO) clean -testcache

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
