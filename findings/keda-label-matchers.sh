#!/usr/bin/env bash
# KEDA: in the metrics-api scaler `videos{state!="done"}` is the number of done videos.
#
# Expected: with `format: prometheus`, `valueLocation` is a selector as Prometheus has it: the scaler parses it with Prometheus's
# own parser. `!=`, `=~` and `!~` mean what they mean there, and a selector that meets several series is their sum or an error.
#
# What happens: getValueFromPrometheusResponse (metrics_api_scaler.go) takes the names and values of the parsed matchers and drops
# their operators: a label must equal the value. So `!=` selects just what it excludes. `=~` and `!~` compare the expression
# itself with the label, and find nothing, which is an error. Of several series that match, the first in the text is taken,
# without a word. Issue 6077 asked for labels at all; none was found for this.
#
# Why it matters: GPU workers are scaled by the number of videos that are not done. Done videos only grow in number, so all GPUs
# that are allowed run for ever, with an empty queue. And a service that shows its videos by state, model or tenant is scaled by
# the state that happens to come first. Publish the one number that is meant as a gauge without labels, or ask by `=` for a series
# that is alone.
#
# Versions: KEDA 2.21.0, Go 1.26.8. Date: 2026-12-01
# Needs: go; compiles the scaler alone, which takes some minutes; exits with 1 if the behaviour has changed
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"finding/scalers"
)

const metrics = `# TYPE videos gauge
videos{state="done"} 9000
videos{state="queued"} 3
videos{state="running"} 2
`

func main() {
	expected := map[string]string{
		`videos{state="queued"}`:          "3",
		`videos{state!="done"}`:           "9000",
		`videos{state=~"queued|running"}`: "error",
		`videos`:                          "9000",
	}
	isAsDescribed := true
	fmt.Print(metrics)
	for _, selector := range []string{`videos{state="queued"}`, `videos{state!="done"}`, `videos{state=~"queued|running"}`, `videos`} {
		value, err := scalers.GetValueFromResponse([]byte(metrics), selector, scalers.PrometheusFormat)
		seen := fmt.Sprint(value)
		if err != nil {
			seen = "error"
		}
		fmt.Printf("%-32s %s\n", selector, seen)
		isAsDescribed = isAsDescribed && seen == expected[selector]
	}
	if !isAsDescribed {
		os.Exit(1)
	}
}
GO
{
  go mod init finding
  go get github.com/kedacore/keda/v2@v2.21.0
  source=$(go list -m -f '{{.Dir}}' github.com/kedacore/keda/v2)/pkg/scalers
  # The package has every scaler and a client of each cloud. These two files are what the scaler needs of it, but for a name.
  mkdir scalers
  cp "$source/metrics_api_scaler.go" "$source/scaler.go" scalers
  printf 'package scalers\n\nconst externalMetricType = "External"\n' >scalers/name.go
  go get .
} >install.log 2>&1 || {
  cat install.log >&2
  exit 1
}
CGO_ENABLED=0 go run -gcflags='all=-N -l' -ldflags='-s -w' .
