# Weir in an image without a shell, for a user who is not root. `make image` builds it.
#
# Every base image is an argument, so that a mirror or an image of your own can take its place. What
# they must have: BUILDER Go 1.26 and a C compiler, FETCHER Python with pip (or npm) and bash, BASE the C and
# C++ runtime libraries, no older than the BUILDER's C library: distroless "cc" and Debian 12 match.
ARG BUILDER=docker.io/library/golang:1.26-bookworm
ARG FETCHER=docker.io/library/python:3.13-slim-bookworm
ARG BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILDER} AS build
# For networks that need mirrors: Go's defaults if not given.
ARG GOPROXY=""
ARG GOSUMDB=""
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
# The one C library that the binary is linked with is libc: names are looked up and users found in pure Go.
RUN go build -trimpath -buildvcs=false -tags netgo,osusergo -ldflags "-s -w -X main.version=${VERSION}" -o /out/opt/weir/weir ./cmd/weir && \
    install -D -m 644 examples/image/weir.yaml /out/etc/weir/weir.yaml

# ONNX Runtime is dlopened.
FROM ${FETCHER} AS onnxruntime
ARG PIP_INDEX_URL=""
WORKDIR /src
COPY scripts/onnxruntime.sh scripts/
RUN bash scripts/onnxruntime.sh

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Weir" \
      org.opencontainers.image.description="Guards language-model output while it is being generated" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/ /
COPY --from=onnxruntime /src/.tools/onnxruntime/libonnxruntime.so /opt/weir/
# The numeric id of distroless' nonroot: Kubernetes' runAsNonRoot cannot check a name.
USER 65532:65532
WORKDIR /etc/weir
# classifier.library of a mounted configuration goes before this one.
ENV WEIR_CONFIG=/etc/weir/weir.yaml WEIR_ONNXRUNTIME=/opt/weir/libonnxruntime.so
# gRPC; metrics and probes; the HTTP proxy. Nothing is written to disk, so the root may be read-only.
EXPOSE 7443 7444 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/opt/weir/weir", "health"]
ENTRYPOINT ["/opt/weir/weir"]
CMD ["serve"]
