#!/bin/sh
# Builds the package (log: build/java-demo.log) and runs the quickstart from it.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
mvn -B -ntp -f bindings/java/pom.xml -DskipTests -Dmaven.javadoc.skip package >build/java-demo.log 2>&1 || { tail -n 40 build/java-demo.log; exit 1; }
version=$(cat VERSION)
exec java -cp "$(echo build/java/octavo-"$version".jar build/java/octavo-"$version"-linux-*.jar | tr ' ' :)" \
  examples/java/Quickstart.java examples/demo/digits.onnx examples/demo/digits.bin "${1:-digits.int8.onnx}"
