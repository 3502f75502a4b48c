# The program in a container. Results go to /work, which belongs to the user expunge, or to what is mounted there:
#   docker build -t expunge .
#   docker run expunge run demo
#   docker run -v "$PWD:/work" --user "$(id -u):$(id -g)" expunge inspect model.pt
FROM debian:13-slim AS build
WORKDIR /src
COPY scripts scripts
RUN scripts/setup
COPY . .
RUN make && make install DESTDIR=/image && strip /image/usr/local/bin/expunge

FROM debian:13-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libdnnl3.6 libopenblas0-openmp liblapacke libhdf5-310 libyaml-0-2 libsvm3 libjansson4 zlib1g libzip5 libnettle8t64 \
        libjpeg62-turbo libpng16-16t64 libwebp7 libwebpdemux2 libgomp1 gnuplot-nox dataset-fashion-mnist \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home expunge && install -d -o expunge -g expunge /work
COPY --from=build /image/usr/local/bin /usr/local/bin
COPY --from=build /image/usr/local/share /usr/local/share
USER expunge
WORKDIR /work
ENTRYPOINT ["expunge"]
CMD ["--help"]
