#!/bin/sh
# What a run costs from Java, and what a second thread is worth: bindings/java/bench.sh [MODEL]. Exit status 77: something is
# missing.
set -eu
cd "$(dirname "$0")/../.."
for tool in cmake swig javac mvn; do
  command -v $tool >/dev/null || { echo "$tool is missing: install swig, a JDK and Maven."; exit 77; }
done
[ $# -gt 0 ] || set -- "${OCTAVO_SHARED:-../shared}/models/mlperf_tiny/ad_autoencoder.onnx"
[ -e "$1" ] || { echo "$1 is missing"; exit 77; }
mvn -q -B -ntp -f bindings/java/pom.xml -DskipTests -Dmaven.javadoc.skip package >&2
version=$(cat VERSION)
java -cp "$(echo build/java/octavo-"$version".jar build/java/octavo-"$version"-linux-*.jar | tr ' ' :)" \
  bindings/java/bench/Overhead.java "$1"
