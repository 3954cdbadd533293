#!/bin/bash
# The tests of the Java package: JUnit under -Xcheck:jni, whose warnings count, the package itself, and the examples run from
# it. Ends with `N passed, N failed, N skipped`; exit status 77: cannot run here.
set -u
cd "$(dirname "$0")/../.."
export LC_ALL=C.UTF-8 # Java takes file names for what this says
jars=build/java
logs=build/test-logs
passed=0 failed=0 skipped=0
mkdir -p $logs

check() { # check NAME COMMAND..: counts
  local name=$1
  shift
  if "$@"; then ((passed += 1)); else ((failed += 1)); echo "FAILED: $name"; fi
}

sh tests/tools/setup.sh java
for tool in cmake swig javac mvn; do
  command -v $tool >/dev/null || { echo "$tool is missing: install swig, a JDK and Maven."; exit 77; }
done

rm -rf $jars/surefire-reports
mvn -B -ntp -f bindings/java/pom.xml package >$logs/java.log 2>&1
status=$?
if grep -q "Could not transfer artifact\|Could not resolve dependencies\|Cannot access .* in offline mode" $logs/java.log; then
  echo "Maven cannot get its plugins or JUnit ($logs/java.log)."
  exit 77
fi
# The last line of totals: "Tests run: 181, Failures: 0, Errors: 0, Skipped: 0".
totals=$(grep -o "Tests run: [0-9]*, Failures: [0-9]*, Errors: [0-9]*, Skipped: [0-9]*$" $logs/java.log | tail -n 1)
if [[ "$totals" =~ ([0-9]+),\ Failures:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Skipped:\ ([0-9]+) ]]; then
  bad=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
  ((passed += BASH_REMATCH[1] - bad - BASH_REMATCH[4], failed += bad, skipped += BASH_REMATCH[4]))
fi
check "mvn package" [ $status = 0 ]
[ $status = 0 ] || grep -E "^\[(ERROR|WARNING)\]" $logs/java.log | head -n 60

quiet_jni() { ! grep -E "WARNING in native method|FATAL ERROR in native method|WARNING: JNI" $1; }
check "-Xcheck:jni has nothing to say" quiet_jni $logs/java.log
version=$(cat VERSION)
for jar in octavo-$version.jar octavo-$version-sources.jar octavo-$version-javadoc.jar octavo-$version-linux-*.jar; do
  check $jar [ -s $jars/$jar ]
done

class_path=$(echo $jars/octavo-$version.jar $jars/octavo-$version-linux-*.jar | tr ' ' :)
example() { java -Xcheck:jni -cp "$class_path" "$@" >$logs/java-example.log 2>&1 && quiet_jni $logs/java-example.log || { cat $logs/java-example.log; false; }; }
check "examples/java/Quickstart.java" example examples/java/Quickstart.java examples/demo/digits.onnx examples/demo/digits.bin $jars/digits.int8.onnx
check "examples/java/Service.java" example examples/java/Service.java --load-test 4 2000

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
