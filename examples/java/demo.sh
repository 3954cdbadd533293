#!/bin/sh
# make demo-java: builds the Java package in build/java, then runs the quickstart from its jars. Log: build/java-demo.log.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
for tool in cmake swig javac mvn; do
  command -v $tool >/dev/null || { echo "$tool is missing: install swig, a JDK and Maven."; exit 77; }
done
mvn -B -ntp -f bindings/java/pom.xml -DskipTests -Dmaven.javadoc.skip package >build/java-demo.log 2>&1 ||
  { tail -n 40 build/java-demo.log >&2; exit 1; }
version=$(cat VERSION)
exec java -cp "$(echo build/java/octavo-"$version".jar build/java/octavo-"$version"-linux-*.jar | tr ' ' :)" \
  examples/java/Quickstart.java examples/demo/digits.onnx examples/demo/digits.bin build/java/digits.int8.onnx
