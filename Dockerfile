# The image of Ringfence: one static binary, the certificates it may need, and a folder for its state.

# Keep the Go version in step with go.mod.
FROM golang:1.26-bookworm AS build
WORKDIR /src

# The libraries change less often than the code: their layer is cached.
COPY go.mod go.sum ./
RUN go mod download && go mod verify

COPY . .
# -trimpath and an empty VCS stamp: the same source gives the same binary, wherever it is built.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o /out/ringfence ./cmd/ringfence \
 && install -d -m 0750 /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ringfence /ringfence

# No user of the host has this number. A named volume mounted over the state folder takes its owner.
COPY --from=build --chown=65532:65532 /out/state /var/lib/ringfence
USER 65532:65532
VOLUME /var/lib/ringfence

# SIP, the RTP of treated calls (media.ports), and the admin listener (health, metrics). The admin port is
# not for the public.
EXPOSE 5060/udp 5060/tcp 20000-20299/udp 9160/tcp

# SIGTERM drains: no new calls, those being set up are finished.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["/ringfence", "health", "--admin", "127.0.0.1:9160"]

ENTRYPOINT ["/ringfence"]
CMD ["serve", "--config", "/etc/ringfence/ringfence.yaml"]
