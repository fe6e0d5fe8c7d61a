import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.Headers;
import com.openai.core.http.HttpResponse;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.videos.Video;
import com.openai.models.videos.VideoCreateParams;
import com.openai.models.videos.VideoDownloadContentParams;
import com.openai.models.videos.VideoListParams;
import com.openai.models.videos.VideoRemixParams;
import com.openai.models.videos.VideoSeconds;
import com.openai.models.webhooks.WebhookCreateParams;
import com.openai.models.webhooks.WebhookRotateSecretParams;
import com.openai.models.webhooks.WebhookTestParams;
import com.openai.models.webhooks.WebhookUpdateParams;
import com.openai.models.webhooks.WebhookVerificationParams;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Drives the API with the openai-java library. */
final class OpenAi {
  /** Call that may throw. */
  interface Call {
    void run() throws Exception;
  }

  private static OpenAIClient connect(JsonNode given, String key) {
    String url = given.get("base_url").asText();
    return OpenAIOkHttpClient.builder().baseUrl(url).apiKey(key).maxRetries(0).build();
  }

  private static VideoCreateParams.Builder request() {
    return VideoCreateParams.builder().prompt("a red circle");
  }

  /** Returns the class, status, code and parameter of the error that a call ends with. */
  private static List<Object> refusal(Call call) throws Exception {
    try {
      call.run();
    } catch (OpenAIServiceException refused) {
      String name = refused.getClass().getSimpleName();
      return Arrays.asList(name, refused.statusCode(), refused.code().orElse(null), refused.param().orElse(null));
    }
    return null;
  }

  private static String text(HttpResponse answer) throws Exception {
    try (answer) {
      return new String(answer.body().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static Map<String, Object> endpoints(OpenAIClient client, String receiver) {
    var webhooks = client.webhooks();
    var created = webhooks.create(WebhookCreateParams.builder()
        .name("mine").url(receiver).addEventType(WebhookCreateParams.EventType.VIDEO_COMPLETED).build());
    String id = created.id();
    var updated = webhooks.update(id, WebhookUpdateParams.builder().name("ours").build());
    List<String> found = new ArrayList<>();
    webhooks.list().autoPager().forEach(endpoint -> found.add(endpoint.id()));
    var kept = WebhookRotateSecretParams.builder().keepOldSecretActiveFor24Hours(true).build();
    var failed = WebhookTestParams.builder().eventType(WebhookTestParams.EventType.VIDEO_FAILED).build();
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("names", List.of(created.name(), updated.name(), webhooks.retrieve(id).name()));
    seen.put("listed", found.equals(List.of(id)));
    seen.put("rotated", !webhooks.rotateSecret(id, kept).signingSecret().equals(created.signingSecret()));
    seen.put("tested", webhooks.test(id, failed).statusCode());
    seen.put("types", webhooks.eventTypes().list().data().stream().map(Object::toString).toList());
    seen.put("deleted", webhooks.delete(id).deleted());
    return seen;
  }

  public static void main(String[] args) throws Exception {
    JsonNode given = Program.read();
    OpenAIClient client = connect(given, given.get("key").asText());
    var videos = client.videos();

    var own = request().seconds(VideoSeconds.of("2"));
    given.get("fields").properties().forEach(field ->
        own.putAdditionalBodyProperty(field.getKey(), JsonValue.fromJsonNode(field.getValue())));
    Video created = videos.create(own.build());
    String id = created.id();
    Video polled = created;
    while (polled.status().equals(Video.Status.QUEUED) || polled.status().equals(Video.Status.IN_PROGRESS)) {
      Thread.sleep(100);
      polled = videos.retrieve(id);
    }
    Video remix = videos.remix(id, VideoRemixParams.builder().prompt("a blue square").build());
    videos.create(request().build());
    Set<String> listed = new HashSet<>();
    var pages = videos.list(VideoListParams.builder().limit(2).build()).autoPager();
    pages.forEach(video -> listed.add(video.id()));
    List<String> models = new ArrayList<>();
    client.models().list().autoPager().forEach(model -> models.add(model.id()));
    var thumbnail = VideoDownloadContentParams.builder()
        .variant(VideoDownloadContentParams.Variant.THUMBNAIL).build();
    var extras = created._additionalProperties();

    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("created", Map.of(
        "seconds", created.seconds().toString(),
        "size", created.size().toString(),
        "params", extras.get("params").convert(JsonNode.class)));
    seen.put("metadata", extras.get("metadata").convert(JsonNode.class));
    seen.put("polled", polled.status().toString());
    seen.put("content", text(videos.downloadContent(id)));
    seen.put("thumbnail", text(videos.downloadContent(id, thumbnail)));
    seen.put("remixed", remix.remixedFromVideoId().equals(created._id().asString()));
    seen.put("listed", listed.size());
    seen.put("models", models);
    seen.put("deleted", videos.delete(id).deleted());
    seen.put("missing", refusal(() -> videos.retrieve(id)));
    var unknown = request().putAdditionalBodyProperty("colours", JsonValue.from("1")).build();
    seen.put("unknown", refusal(() -> videos.create(unknown)));
    seen.put("keyless", refusal(() -> connect(given, "adr_wrong").models().list()));
    seen.put("endpoints", endpoints(client, given.get("receiver").asText()));
    seen.put("verdicts", Program.verdicts(given, webhook -> {
      var headers = Headers.builder();
      webhook.headers().forEach(headers::put);
      client.webhooks().unwrap(WebhookVerificationParams.builder()
          .payload(webhook.body()).headers(headers.build()).secret(webhook.secret()).build());
    }));
    Program.show(seen);
    // The client's threads would keep the program running.
    System.exit(0);
  }
}
