// Command svix verifies webhooks with the svix module.
package main

import (
	"conformance/program"

	svix "github.com/svix/svix-webhooks/go"
)

func main() {
	verdicts := program.Verdicts(program.Read().Webhooks, func(given program.Webhook) error {
		webhook, err := svix.NewWebhook(given.Secret)
		program.Must(err)
		return webhook.Verify([]byte(given.Body), given.HTTPHeaders())
	})
	program.Show(map[string]any{"verdicts": verdicts})
}
