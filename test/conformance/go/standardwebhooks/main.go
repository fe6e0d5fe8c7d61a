// Command standardwebhooks verifies webhooks with the standardwebhooks module.
package main

import (
	"conformance/program"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	verdicts := program.Verdicts(program.Read().Webhooks, func(given program.Webhook) error {
		webhook, err := standardwebhooks.NewWebhook(given.Secret)
		program.Must(err)
		return webhook.Verify([]byte(given.Body), given.HTTPHeaders())
	})
	program.Show(map[string]any{"verdicts": verdicts})
}
