// Command openai drives the API with the openai module.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"conformance/program"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/webhooks"
)

var ctx = context.Background()

// must returns a result, or ends the program if there is an error.
func must[Result any](result Result, err error) Result {
	program.Must(err)
	return result
}

// refusal returns the status, code and parameter of an error.
func refusal[Result any](_ Result, err error) []any {
	var refused *openai.Error
	if !errors.As(err, &refused) {
		return nil
	}
	if refused.Param == "" {
		return []any{refused.StatusCode, refused.Code, nil}
	}
	return []any{refused.StatusCode, refused.Code, refused.Param}
}

// download returns what is at a URL, which is a field of the video that only this service has.
func download(video *openai.Video, field string) string {
	var url string
	program.Must(json.Unmarshal([]byte(video.JSON.ExtraFields[field].Raw()), &url))
	answer := must(http.Get(url))
	defer answer.Body.Close()
	return string(must(io.ReadAll(answer.Body)))
}

func endpoints(service webhooks.WebhookService, receiver string) map[string]any {
	created := must(service.New(ctx, webhooks.WebhookNewParams{
		Name: "mine", URL: receiver, EventTypes: []string{"video.completed"},
	}))
	updated := must(service.Update(ctx, created.ID, webhooks.WebhookUpdateParams{Name: openai.String("ours")}))
	retrieved := must(service.Get(ctx, created.ID))
	found := must(service.List(ctx, webhooks.WebhookListParams{})).Data
	rotated := must(service.RotateSecret(ctx, created.ID, webhooks.WebhookRotateSecretParams{
		KeepOldSecretActiveFor24Hours: openai.Bool(true),
	}))
	return map[string]any{
		"names":   []string{created.Name, updated.Name, retrieved.Name},
		"listed":  len(found) == 1 && found[0].ID == created.ID,
		"rotated": rotated.SigningSecret != created.SigningSecret,
		"tested":  must(service.Test(ctx, created.ID, webhooks.WebhookTestParams{EventType: "video.failed"})).StatusCode,
		"types":   must(service.EventTypes.List(ctx)).Data,
		"deleted": must(service.Delete(ctx, created.ID)).Deleted,
	}
}

func main() {
	given := program.Read()
	client := openai.NewClient(
		option.WithBaseURL(given.BaseURL), option.WithAPIKey(given.Key), option.WithMaxRetries(0),
	)
	videos := client.Videos

	params := openai.VideoNewParams{Prompt: "a red circle", Seconds: "2"}
	// The client sends texts alone: another value is left out of the form, and what follows it too.
	params.SetExtraFields(map[string]any{
		"seed":     strconv.Itoa(given.Fields.Seed),
		"cache":    string(given.Fields.Cache),
		"metadata": string(given.Fields.Metadata),
	})
	created := must(videos.New(ctx, params))
	polled := must(videos.PollStatus(ctx, created.ID, 0))
	remix := must(videos.Remix(ctx, created.ID, openai.VideoRemixParams{Prompt: "a blue square"}))
	must(videos.New(ctx, openai.VideoNewParams{Prompt: "a red circle"}))
	listed := map[string]bool{}
	pages := videos.ListAutoPaging(ctx, openai.VideoListParams{Limit: openai.Int(2)})
	for pages.Next() {
		listed[pages.Current().ID] = true
	}
	program.Must(pages.Err())
	var models []string
	for _, model := range must(client.Models.List(ctx)).Data {
		models = append(models, model.ID)
	}
	// The client follows no redirect to another origin, so files are downloaded from the signed URLs of the video.
	_, redirect := videos.DownloadContent(ctx, created.ID, openai.VideoDownloadContentParams{})
	unknown := openai.VideoNewParams{Prompt: "a red circle"}
	unknown.SetExtraFields(map[string]any{"colours": "1"})

	program.Show(map[string]any{
		"created":   json.RawMessage(created.RawJSON()),
		"metadata":  json.RawMessage(created.JSON.ExtraFields["metadata"].Raw()),
		"polled":    polled.Status,
		"content":   download(polled, "url"),
		"thumbnail": download(polled, "thumbnail_url"),
		"redirect":  redirect.Error(),
		"remixed":   remix.RemixedFromVideoID == created.ID,
		"listed":    len(listed),
		"models":    models,
		"deleted":   must(videos.Delete(ctx, created.ID)).Deleted,
		"missing":   refusal(videos.Get(ctx, created.ID)),
		"unknown":   refusal(videos.New(ctx, unknown)),
		"keyless":   refusal(client.Models.List(ctx, option.WithAPIKey("adr_wrong"))),
		"endpoints": endpoints(client.Webhooks, given.Receiver),
		"verdicts": program.Verdicts(given.Webhooks, func(webhook program.Webhook) error {
			secret := option.WithWebhookSecret(webhook.Secret)
			_, err := client.Webhooks.Unwrap([]byte(webhook.Body), webhook.HTTPHeaders(), secret)
			return err
		}),
	})
}
