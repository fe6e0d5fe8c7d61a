#!/usr/bin/env bash
# Runs the clients that take long to install against the API on this machine: OpenAI's for Java, and the webhook
# libraries for Java and Rust. Needs cargo, and a JDK with Maven; what is missing is skipped. Prints a line for each.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=$PWD/test/conformance
work=$PWD/out/conformance
mkdir -p "$work"

if command -v cargo >/dev/null; then
  cargo build --quiet --locked --manifest-path "$programs/rust/Cargo.toml" --target-dir "$work/rust"
  export ADAREEL_RUST_CLIENTS="$work/rust/debug"
fi

if command -v mvn >/dev/null && command -v javac >/dev/null; then
  mvn --quiet --file "$programs/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/java/lib"
  javac -nowarn -cp "$work/java/lib/*" -d "$work/java/classes" "$programs"/java/src/*.java
  export ADAREEL_JAVA_CLIENTS="$work/java"
fi

npx vitest run test/conformance/clients.test.ts --reporter=verbose --testNamePattern 'for (Java|Rust) '
