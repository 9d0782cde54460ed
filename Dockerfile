# gpufa on a CPU:
#   docker build -t gpufa . && docker run --rm -v "$PWD:/data" gpufa train
# g++ is for the optimizers' and convolutions' machine code, which is compiled where it runs, as it is made for its processor.
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN pip install --no-cache-dir "/src[images,onnx,parquet,sklearn]" && rm -rf /src
ENV XDG_CACHE_HOME=/data/.cache
WORKDIR /data
ENTRYPOINT ["gpufa"]
CMD ["doctor"]
