// Package program holds what the programs in Go share: they read JSON from their standard input, and print JSON.
package program

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

// Webhook is a webhook with the secret by which to verify it.
type Webhook struct {
	Headers map[string]string
	Body    string
	Secret  string
}

// HTTPHeaders returns the headers as a server would have them.
func (webhook Webhook) HTTPHeaders() http.Header {
	headers := http.Header{}
	for name, value := range webhook.Headers {
		headers.Set(name, value)
	}
	return headers
}

// Given is what a program is given.
type Given struct {
	BaseURL  string `json:"base_url"`
	Key      string
	Receiver string
	Fields   struct {
		Seed     int
		Cache    json.RawMessage
		Metadata json.RawMessage
	}
	Webhooks map[string]Webhook
}

// Read reads what the program is given.
func Read() Given {
	var given Given
	Must(json.NewDecoder(os.Stdin).Decode(&given))
	return given
}

// Show prints what the program saw.
func Show(seen map[string]any) {
	Must(json.NewEncoder(os.Stdout).Encode(seen))
}

// Must ends the program if there is an error.
func Must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Verdicts returns for each webhook the type of its event, or why it is refused.
func Verdicts(webhooks map[string]Webhook, verify func(Webhook) error) map[string]string {
	verdicts := map[string]string{}
	for name, webhook := range webhooks {
		var event struct{ Type string }
		Must(json.Unmarshal([]byte(webhook.Body), &event))
		verdicts[name] = event.Type
		if err := verify(webhook); err != nil {
			verdicts[name] = "refused: " + err.Error()
		}
	}
	return verdicts
}
