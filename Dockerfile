# The image of the action: one static binary, and the licences. The certificates of the public
# authorities are compiled in, so that the image needs no other files.
#
# For `uses: …@main` and for `docker build`. Releases have Dockerfile.prebuilt, which takes the programs of
# the release's own build and no base image; here it is named by tag, which automated updates keep new.
FROM rust:1.95-bookworm AS build
WORKDIR /build

# `--target` has to be named with it: without, the flag reaches procedural macros, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"

COPY Cargo.toml Cargo.lock ./
COPY simulator/Cargo.toml simulator/
COPY crates crates
COPY schema schema
COPY src src
COPY LICENSE-APACHE LICENSE-MIT ./
COPY .github/release .github/release
# A member of the workspace needs a source, also one that is not built.
RUN mkdir simulator/src /image && touch simulator/src/lib.rs \
    && cargo build --release --locked --package repo-permissions --target "$(rustc --print host-tuple)" \
    && cp "target/$(rustc --print host-tuple)/release/repo-permissions" LICENSE-APACHE LICENSE-MIT /image \
    && .github/release/licences repo-permissions /image/LICENSE-THIRD-PARTY "$(rustc --print host-tuple)"

FROM scratch
LABEL org.opencontainers.image.source="https://github.com/repo-permissions/repo-permissions" \
      org.opencontainers.image.description="A permission gate for GitHub Actions" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image /
# No USER: the runner's files for outputs and summary belong to another user and are writable for
# root only (docs.github.com, "Dockerfile support for GitHub Actions").
ENTRYPOINT ["/repo-permissions"]
