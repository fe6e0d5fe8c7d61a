import com.svix.Webhook;
import java.util.Map;

/** Verifies webhooks with the svix library. */
final class Svix {
  public static void main(String[] args) throws Exception {
    var verdicts = Program.verdicts(Program.read(), given -> {
      new Webhook(given.secret()).verify(given.body(), given.lists());
    });
    Program.show(Map.of("verdicts", verdicts));
  }
}
