import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the programs in Java share: they read JSON from their standard input, and print JSON. */
final class Program {
  static final ObjectMapper JSON = new ObjectMapper();

  /** Webhook with the secret by which to verify it. */
  record Webhook(Map<String, String> headers, String body, String secret) {
    /** Returns the headers as a server would have them. */
    Map<String, List<String>> lists() {
      Map<String, List<String>> lists = new HashMap<>();
      headers.forEach((name, value) -> lists.put(name, List.of(value)));
      return lists;
    }
  }

  /** Verification of a webhook by a library, which throws if it refuses it. */
  interface Verification {
    void of(Webhook webhook) throws Exception;
  }

  private Program() {}

  static JsonNode read() throws IOException {
    return JSON.readTree(System.in);
  }

  static void show(Map<String, Object> seen) throws IOException {
    System.out.println(JSON.writeValueAsString(seen));
  }

  /** Returns for each webhook the type of its event, or why it is refused. */
  static Map<String, String> verdicts(JsonNode given, Verification verification) throws IOException {
    Map<String, String> verdicts = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : given.get("webhooks").properties()) {
      Webhook webhook = JSON.treeToValue(entry.getValue(), Webhook.class);
      try {
        verification.of(webhook);
        verdicts.put(entry.getKey(), JSON.readTree(webhook.body()).get("type").asText());
      } catch (Exception refused) {
        verdicts.put(entry.getKey(), "refused: " + refused.getMessage());
      }
    }
    return verdicts;
  }
}
