import com.standardwebhooks.Webhook;
import java.util.Map;

/** Verifies webhooks with the standardwebhooks library. */
final class StandardWebhooks {
  public static void main(String[] args) throws Exception {
    var verdicts = Program.verdicts(Program.read(), given -> {
      new Webhook(given.secret()).verify(given.body(), given.lists());
    });
    Program.show(Map.of("verdicts", verdicts));
  }
}
