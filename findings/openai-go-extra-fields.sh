#!/usr/bin/env bash
# openai-go: of the same request with three extra fields, now all arrive, now one, mostly none, and never an error.
#
# Expected: `SetExtraFields` adds fields that the client does not know. In a request that is sent as JSON it takes any
# value. One expects the same of a request that is sent as a form, or an error.
#
# What happens: forms take texts alone. `WriteExtras` (internal/apiform/encoder.go) leaves its loop over the fields at the
# first value that is no text, and returns no error. The loop is over a map, whose order Go draws at random each time. So
# a number among the fields takes all those away that come after it. `videos.New` always sends a form. The script sends one
# request 200 times, with `"steps": 20` and two texts, and counts which fields arrive.
#
# Why it matters: settings are lost in most requests and not in others, and the answer is a video all the same. A test that
# sends one request passes or fails by chance. Send texts: "20" for 20, and the text of their JSON for objects.
#
# Versions: openai-go 3.99.0, Go 1.26.8. Date: 2026-11-30
# Needs: go. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	arrived := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if err := request.ParseMultipartForm(1 << 20); err != nil {
			log.Fatal(err)
		}
		fields := ""
		for _, name := range []string{"cache", "metadata", "steps"} {
			if request.MultipartForm.Value[name] != nil {
				fields += " " + name
			}
		}
		arrived[fields]++
		answer.Header().Set("content-type", "application/json")
		fmt.Fprint(answer, `{"id": "video_1"}`)
	}))
	client := openai.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey("none"))
	for range 200 {
		params := openai.VideoNewParams{Prompt: "a red circle"}
		params.SetExtraFields(map[string]any{"steps": 20, "cache": "slow", "metadata": `{"order": "42"}`})
		if _, err := client.Videos.New(context.Background(), params); err != nil {
			log.Fatal(err)
		}
	}
	for fields, count := range arrived {
		fmt.Printf("%3d of 200 requests arrived with:%s\n", count, fields)
	}
	if len(arrived) < 2 {
		os.Exit(1)
	}
}
GO
go mod init finding 2>/dev/null
go get github.com/openai/openai-go/v3@v3.99.0 2>/dev/null
go run -gcflags='all=-N -l' .
